import fc from 'fast-check';
import { test } from 'uvu';
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

test.run();
