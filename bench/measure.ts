// Interleaved timing: every round runs each runtime once, and the median of the rounds counts.

const limitMs = 30_000;

/** Of one row, so that the whole comes to its end on a slow machine too. */
const rowMs = 15_000;
const roundsMin = 5;

/** Median of a list with at least one number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new Error("the median of nothing");
  return (low + high) / 2;
}

/**
 * Times each subject once a round and returns the medians, in the subjects' order. The order within
 * a round is drawn anew each time, because a runtime pays for what the one before it left to the
 * kernel. One round before the first is not counted. There are fewer rounds where they take long.
 *
 * @param sample does the work once and returns its time in milliseconds
 */
export async function interleaved<Subject>(
  subjects: readonly Subject[],
  sample: (subject: Subject) => number,
  { rounds, restMs }: { rounds: number; restMs: number },
): Promise<number[]> {
  const rows = subjects.map((subject) => ({ subject, timesMs: [] as number[] }));
  const endMs = performance.now() + rowMs;
  for (let round = 0; round <= rounds; round++) {
    if (round > roundsMin && performance.now() > endMs) break;
    for (const { subject, timesMs } of shuffled(rows)) {
      // Not sleepSync: signals are handled here.
      await Bun.sleep(restMs);
      const timeMs = sample(subject);
      if (round > 0) timesMs.push(timeMs);
    }
  }
  return rows.map((row) => median(row.timesMs));
}

/** As {@link interleaved}, of what takes its own time and without rest; all figures of each subject. */
export async function interleavedAsync<Subject>(
  subjects: readonly Subject[],
  sample: (subject: Subject) => Promise<number>,
  rounds: number,
): Promise<number[][]> {
  const rows = subjects.map((subject) => ({ subject, timesMs: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { subject, timesMs } of shuffled(rows)) {
      const timeMs = await sample(subject);
      if (round > 0) timesMs.push(timeMs);
    }
  }
  return rows.map((row) => row.timesMs);
}

/**
 * Runs a command to its end and returns its time in milliseconds. Its standard error is ours: a pipe
 * would stay open in the container.
 *
 * @throws Error where it fails, or takes longer than half a minute
 */
export function timedMs(command: readonly string[]): number {
  const startedMs = performance.now();
  const { exitCode } = Bun.spawnSync([...command], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: limitMs,
  });
  const timeMs = performance.now() - startedMs;
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}`);
  return timeMs;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  const keyed = items.map((item) => ({ item, key: Math.random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
