/** How many cases a property, fuzz or fault suite runs, and from which seed. */
import fc from 'fast-check';

// A counterexample alone does not tell what was wrong with it.
fc.configureGlobal({ ...fc.readConfigureGlobal(), includeErrorInReport: true });
/** True under `npm run test:deep`. */
export const deep = process.env['RVBBIT_TEST_DEEP'] === '1';

/** Milliseconds after which a suite in the ordinary run stops adding cases. */
export const QUICK_BUDGET_MS = 15_000;

/** The ordinary count, or the full one under `npm run test:deep`. */
export function cases(quick: number, full: number): number {
  return deep ? full : quick;
}

/** The seed of this run: RVBBIT_TEST_SEED, or a new one. Print it with the suite's case count. */
export const seed: number = Number(
  process.env['RVBBIT_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31),
);

/** One line on stdout that says what a suite ran, e.g. `cases: 10000 reassembly orders, seed 123`. */
export function reportCases(count: number, what: string): void {
  console.log(`cases: ${count} ${what}, seed ${seed}`);
}

/** Numbers from 0 to 1, the same ones from the same seed (mulberry32). */
export function mulberry(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
