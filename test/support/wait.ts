// Waiting with a limit. No test waits for anything without one.

import { patience } from "./patience.ts";

/**
 * Asks again and again until the answer is something else than `undefined` and `false`.
 *
 * @param what what is waited for, for the error
 * @param limitMs after this it throws; longer where all takes longer
 */
export async function waitUntil<Answer>(
  what: string,
  probe: () => Answer | undefined | false | Promise<Answer | undefined | false>,
  limitMs = 5000,
): Promise<Answer> {
  const endMs = performance.now() + limitMs * patience;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${limitMs * patience} ms`);
    await Bun.sleep(5);
  }
}
