/** Says how much faster calls were than one after another. */

/** Below this a speed-up would be printed as 1.0. */
const LEAST = 1.05;

/** Returns the sum of the calls' times divided by the wall time, e.g. `8.2`; undefined if nothing was gained. */
export function speedUpText(callsMs: number, wallMs: number): string | undefined {
  const speedUp = callsMs / Math.max(1, wallMs);
  return speedUp < LEAST ? undefined : speedUp.toFixed(1);
}
