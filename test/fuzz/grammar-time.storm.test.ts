import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from '../../grammar/index.ts';
import { reportCases } from '../support/cases.ts';

/** The least time of a few readings, in ms. */
function timed(source: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    parse(source);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

const SHAPES: Readonly<Record<string, (count: number) => string>> = {
  'many statements': (count) => "RVBBIT AWAIT 'x';".repeat(count),
  'many errors': (count) => 'RVBBIT MAPP;'.repeat(count / 4),
  'many lines': (count) => '\n-- @ parallel: 5\nSELECT 1;'.repeat(count),
  'one long query': (count) => `RVBBIT MAP 'x' USING (SELECT ${'a,'.repeat(count)} b)`,
  'open brackets': (count) => `RVBBIT MAP ${'('.repeat(count)}`,
  quotes: (count) => `SELECT ${"'a'\n".repeat(count)}`,
  'half-quoted': (count) => `SELECT ${"'a' -- b\n".repeat(count)}`,
  'dashes after a string': (count) => `SELECT 'a' ${'--'.repeat(count)}`,
  dollars: (count) => `SELECT ${'$a '.repeat(count)}`,
  'dollar tags': (count) => `SELECT ${'$'.repeat(count)}`,
  'comment openings': (count) => `SELECT ${'/*'.repeat(count)}`,
  'blanks in an annotation': (count) => `-- @ ${'a '.repeat(count)}${' '.repeat(count)}x\nRVBBIT`,
  'blanks in an option': (count) =>
    `RVBBIT MAP 'x' USING (q) WITH (timeout = '1${' '.repeat(count)}x')`,
  'blanks in a value': (count) => `-- @ timeout: 1${' '.repeat(count)}x\nRVBBIT MAP 'x' USING (q)`,
  'digits in a value': (count) => `-- @ timeout: ${'1'.repeat(count)}x\nRVBBIT MAP 'x' USING (q)`,
  'one long word': (count) => `RVBBIT ${'x'.repeat(count)}`,
  modifiers: (count) => `RVBBIT MAP ${'DISTINCT '.repeat(count)} 'x' USING (q)`,
  options: (count) => `RVBBIT MAP 'x' USING (q) WITH (${'limt = 5 '.repeat(count / 4)})`,
  columns: (count) => `RVBBIT MAP 'x' USING (q) RETURNING (${'a INT, '.repeat(count / 4)} b)`,
  'a long type': (count) => `RVBBIT MAP 'x' USING (q) RETURNING (a ${'INT[] '.repeat(count)})`,
};

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`ten times as much of ${name} takes at most fifteen times as long`, () => {
    // A neighbour on the machine may spoil a reading, so that one good one of five is enough.
    let readings = '';
    for (let round = 0; round < 5; round++) {
      // Larger texts would measure how much the collector of garbage has to do.
      const small = timed(shape(2_500));
      const large = timed(shape(25_000));
      if (large <= 15 * (small + 2)) return;
      readings += `${small.toFixed(2)} ms, then ${large.toFixed(2)} ms; `;
    }
    assert.unreachable(readings);
  });
}

reportCases(Object.keys(SHAPES).length, 'shapes of input, each at two sizes');
test.run();
