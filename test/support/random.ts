// Random choices that a seed repeats.

export interface Random {
  /** An integer from 0 to below `limit`. */
  below: (limit: number) => number;
  pick: <T>(from: readonly T[]) => T;
}

/** mulberry32: small, and good enough to choose test cases. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  function below(limit: number): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
  return {
    below,
    pick: (from) => {
      const [chosen] = from.slice(below(from.length));
      if (chosen === undefined) throw new Error("nothing to pick from");
      return chosen;
    },
  };
}
