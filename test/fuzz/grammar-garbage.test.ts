import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from '../../grammar/index.ts';
import { DIALECT, PLAIN } from '../grammar/corpus.ts';
import { assertSound } from '../grammar/support.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const CORPUS = [...DIALECT, ...PLAIN];
const FRAGMENTS = [
  ...'RVBBIT MAP RUN AWAIT CANCEL SHOW JOBS EXPLAIN ANALYZE FORMAT CREATE OR REPLACE TEMP TABLE IF NOT EXISTS AS INSERT INTO PARALLEL BATCH DISTINCT ASYNC USING RETURNING TABLES FROM WITH TRUE limit cache x y'.split(
    ' ',
  ),
  ...['(', ')', '[', ']', '{', '}', ',', '.', ';', '=', '=>', ':', '-', '+', '?', '$1', '$', '\0'],
  ...[
    "'x'",
    '"x"',
    "E'\\'",
    "'",
    '"',
    '$$',
    '$t$',
    '--',
    '/*',
    '*/',
    '\n',
    '\r',
    ' ',
    '5',
    '1.5e3',
  ],
  ...[
    '(SELECT 1)',
    'WITH (limit = 5)',
    'RETURNING (a INT)',
    '-- @ parallel: 5\n',
    '\ufeff',
    '\ud800',
  ],
  ...['é', '\u00a0', "RVBBIT MAP 'x' USING (SELECT 1)", "RVBBIT RUN 'x' USING (", 'DECIMAL(10,2)'],
];

function check(count: number, what: string, sources: fc.Arbitrary<string>): void {
  reportCases(count, what);
  fc.assert(fc.property(sources, assertSound), { seed, numRuns: count });
}

test('random characters are never thrown at', () => {
  const units = fc.string({ unit: 'binary', maxLength: 60 });
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => String.fromCharCode(...array));
  const opened = fc.tuple(fc.constantFrom('RVBBIT ', "RVBBIT MAP 'x' USING ("), bytes);
  check(
    cases(60_000, 1_000_000),
    'random character strings',
    fc.oneof(
      units,
      bytes,
      opened.map((parts) => parts.join('')),
    ),
  );
});

test('random tokens are never thrown at', () => {
  const tokens = fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 25 });
  const source = fc.tuple(tokens, fc.constantFrom(' ', '')).map(([list, gap]) => list.join(gap));
  check(cases(60_000, 1_000_000), 'random token streams', source);
});

test('statements with parts deleted, doubled, swapped or spliced are never thrown at', () => {
  const statement = fc.constantFrom(...CORPUS);
  const edit = fc.record({
    kind: fc.constantFrom('delete', 'double', 'swap', 'splice', 'insert'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 1, max: 20 }),
    other: statement,
    fragment: fc.constantFrom(...FRAGMENTS),
  });
  const mutated = fc
    .tuple(statement, fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([source, edits]) => {
      let text = source;
      for (const { kind, at, length, other, fragment } of edits) {
        const start = Math.floor(at * text.length);
        const [before, part, after] = [
          text.slice(0, start),
          text.slice(start, start + length),
          text.slice(start + length),
        ];
        if (kind === 'delete') text = before + after;
        else if (kind === 'double') text = before + part + part + after;
        else if (kind === 'swap') text = after + part + before;
        else if (kind === 'splice') text = before + other.slice(Math.floor(at * other.length));
        else text = `${before}${fragment}${part}${after}`;
      }
      return text;
    });
  check(cases(60_000, 1_000_000), 'mutated statements', mutated);
});

/** The least time of a few readings, in ms. */
function timed(source: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
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
  'one long word': (count) => `RVBBIT ${'x'.repeat(count)}`,
  modifiers: (count) => `RVBBIT MAP ${'DISTINCT '.repeat(count)} 'x' USING (q)`,
  options: (count) => `RVBBIT MAP 'x' USING (q) WITH (${'limt = 5 '.repeat(count / 4)})`,
  columns: (count) => `RVBBIT MAP 'x' USING (q) RETURNING (${'a INT, '.repeat(count)} b)`,
  'a long type': (count) => `RVBBIT MAP 'x' USING (q) RETURNING (a ${'INT[] '.repeat(count)})`,
};

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`ten times as much of ${name} takes at most fifteen times as long`, () => {
    // A neighbour on the machine may spoil a reading, so that one good one of three is enough.
    let readings = '';
    for (let round = 0; round < 3; round++) {
      const small = timed(shape(2_000));
      const large = timed(shape(20_000));
      if (large <= 15 * (small + 1)) return;
      readings += `${small.toFixed(2)} ms, then ${large.toFixed(2)} ms; `;
    }
    assert.unreachable(readings);
  });
}

test.run();
