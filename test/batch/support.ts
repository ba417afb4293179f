/** Statements and checks for the tests of BATCH. */
import * as assert from 'uvu/assert';
import type { QueryResult } from '../../src/index.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { assertAddsUp } from '../model/engine-support.ts';

export function map(rows: number, modifiers: string, options = ''): string {
  return `RVBBIT MAP ${modifiers} 'row.yaml' AS v USING (
    SELECT range::INTEGER AS n, range::INTEGER AS other FROM range(${rows}) ORDER BY range
  ) WITH (limit = ${rows}${options})`;
}

/** Every row has its own answer, or none if it is one of `without`. */
export function assertOwn({ rows, summary }: QueryResult, without: readonly number[] = []): void {
  for (const { n, v } of rows) assert.is(v, without.includes(Number(n)) ? null : `Row ${n}`);
  assertAddsUp(summary);
}

/** A server with one rule for the row with this number. */
export function ruleFor(row: number, rule: object): SimulatorOptions {
  return { rules: [{ when: { matches: `Row ${row}(?!\\d)` }, ...rule }] };
}
