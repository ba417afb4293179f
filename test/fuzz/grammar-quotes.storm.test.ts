import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { holdsDialect, parse, splitStatements } from '../../grammar/index.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();

/** How many statements DuckDB finds, or the words it refuses the script with. */
async function duckCount(script: string): Promise<number | string> {
  try {
    return (await connection.extractStatements(script)).count;
  } catch (error) {
    const message = String(error);
    // Its answer to a script without any statement.
    return message.includes('Error in native callback') ? 0 : message;
  }
}

const UNTERMINATED = /unterminated/;

/** Asserts that both find the same statements; a script that is no SQL is compared no further. */
async function assertAgrees(script: string): Promise<boolean> {
  const expected = await duckCount(script);
  const slices = splitStatements(script);
  const open = slices.some(({ unterminated }) => unterminated !== undefined);
  if (typeof expected === 'string') {
    if (UNTERMINATED.test(expected)) assert.ok(open, `${JSON.stringify(script)}: ${expected}`);
    return false;
  }
  assert.not(open, JSON.stringify(script));
  assert.is(slices.length, expected, JSON.stringify(script));
  for (const { text } of slices) assert.is(await duckCount(text), 1, JSON.stringify(text));
  return true;
}

/** DuckDB blanks these out in a pass of its own that knows no E'…' and no block comment: tried apart. */
const UNICODE_SPACES = [
  '\u00a0',
  '\u2000',
  '\u200b',
  '\u202f',
  '\u205f',
  '\u2060',
  '\u3000',
  '\ufeff',
];
const NO_SPACES = ['\u0085', '\u1680', '\u180e', '\u200c', '\u200d', '\u200e', '\u2028', '\u2029'];

const LITERALS = [
  "'it''s;'",
  "''",
  "';'",
  "'--;'",
  "'/*;'",
  "'\\'",
  "E'\\';'",
  "e'\\\\'",
  "E'a'';'",
  "E'\\'\n;'",
  "E'a'\n'\\';'",
  "'a'\n';b'",
  "'a' -- ;'\n ';b'",
  "'a'\r\n\t';'",
  "x'ab'",
  "X'ab'",
  '$$;$$',
  "$$';$$",
  '$t$;$$;$t$',
  '$t$$t;$t$',
  '$$$t$;$t$$$',
  '$é$;$é$',
  '$_1$;$_1$',
  '1',
  '1_000',
  '1.5e-3',
  '.5',
  '5.',
  '1e5',
  'a$b',
  'a$$b$$',
  '";"',
  '";"";"',
  '"--"',
  '"/*"',
  '?',
  '$1',
  '-- ;\n1',
  "-- '\n1",
  '-- ;\r1',
  '/* ; */1',
  "/* ' */1",
  '/* " */1',
  '/* /* ; */ ; */1',
  '/**/1',
  '/***/1',
  '/*/*/**/*/*/1',
  '1--;\n',
  '1/*;*/',
  '- -1',
  '-/*;*/1',
  '1+/*;*/2',
  '1*/*;*/2',
  '[1, 2]',
  "{'a;': 1}",
  "(';')",
  'é',
  '日本',
  '😀',
  'true',
  'NULL::INT',
  "'\u00a0;'",
  "'😀;'",
];
const GAPS = ['', ' ', '\n', '\r\n', '\t', '\f', '\v', ' -- ;\n', ' /* ; */ ', '\n-- x\r'];
const ENDS = [';', ' ;', ';;', '; ;', '\n;\n', ';-- x\n', ';/* ; */', ' /* x */;', '; \v'];

test('each way to quote agrees with DuckDB', async () => {
  let agreed = 0;
  for (const literal of LITERALS) {
    const script = `SELECT ${literal} ; SELECT 2`;
    if (await assertAgrees(script)) agreed++;
  }
  reportCases(LITERALS.length, `literals, ${agreed} of them taken by DuckDB`);
  assert.ok(agreed >= 55, `only ${agreed}`);
});

test('scripts of odd statements are cut where DuckDB cuts them', async () => {
  const runs = cases(6_000, 100_000);
  let agreed = 0;
  const statement = fc
    .tuple(
      fc.constantFrom('SELECT', 'select', 'VALUES (1), ('),
      fc.constantFrom(...GAPS),
      fc.array(fc.constantFrom(...LITERALS), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(...GAPS),
      fc.constantFrom(...ENDS),
    )
    .map(([verb, before, list, after, end]) => {
      const close = verb.endsWith('(') ? ')' : '';
      return `${verb} ${before}${list.join('\n , ')}${after}${close}${end}`;
    });
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { maxLength: 4 }), async (list) => {
      if (await assertAgrees(list.join(''))) agreed++;
    }),
    { seed, numRuns: runs },
  );
  reportCases(runs, `scripts, ${agreed} of them taken by DuckDB`);
  assert.ok(agreed > runs / 4, `only ${agreed}`);
});

test('where DuckDB sees an open quote or comment, so is one seen here', async () => {
  const runs = cases(15_000, 300_000);
  let agreed = 0;
  // A lone word without ASCII is left out: DuckDB drops such a statement without a word.
  const pieces = fc.constantFrom(
    ...["'", "''", '"', '$$', '$a$', '$', '--', '/*', '*/', '\n', '\r', ';', ' ', 'E', "E'", 'a'],
    ...['1', '\\', '\\\\', "'x'", ' SELECT 1', 'SELECT 1;', ',', '-', '*', '/', '.', 'aé'],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async (list) => {
      if (await assertAgrees(`SELECT ${list.join('')}`)) agreed++;
    }),
    { seed, numRuns: runs },
  );
  reportCases(runs, `strings of quote marks, ${agreed} of them taken by DuckDB`);
});

test('nothing that DuckDB parses is taken for the dialect', async () => {
  const runs = cases(10_000, 200_000);
  const head = fc.constantFrom(
    ...[
      'RVBBIT',
      'rvbit',
      'SHOW',
      'EXPLAIN',
      'EXPLAIN ANALYZE',
      'CREATE TABLE',
      'CREATE OR REPLACE',
    ],
    ...[
      'CREATE TABLE t AS',
      'CREATE VIEW',
      'CREATE TEMP TABLE',
      'CREATE MACRO m(x) AS',
      'INSERT INTO',
    ],
    ...[
      'INSERT INTO t',
      'SELECT',
      'FROM',
      'WITH',
      'CREATE TYPE',
      'DESCRIBE',
      'USE',
      'TABLE',
      'VALUES',
    ],
  );
  const word = fc.constantFrom(
    ...'RVBBIT rvbit MAP RUN AWAIT CANCEL JOBS SHOW ALL TABLES TABLE VIEW TEMP IF NOT EXISTS AS BY NAME SELECT FROM t x 1 * , . ( ) = INT'.split(
      ' ',
    ),
    "'x'",
    '"y"',
    'AS SELECT 1',
    '(x INT)',
    'SELECT * FROM',
  );
  let agreed = 0;
  await fc.assert(
    fc.asyncProperty(head, fc.array(word, { maxLength: 7 }), async (first, rest) => {
      const sql = [first, ...rest].join(' ');
      if (typeof (await duckCount(sql)) === 'string') return;
      agreed++;
      assert.not(holdsDialect(sql), sql);
    }),
    { seed, numRuns: runs },
  );
  reportCases(runs, `word sequences, ${agreed} of them taken by DuckDB`);
  assert.ok(agreed > runs / 50, `only ${agreed}`);
});

test('blanks outside ASCII are those of DuckDB', async () => {
  for (const space of UNICODE_SPACES) {
    const script = `SELECT${space}1${space};${space};${space}SELECT${space}';${space}'${space};${space}-- x`;
    assert.ok(await assertAgrees(script), JSON.stringify(script));
    assert.is(splitStatements(script)[0]?.text, `SELECT${space}1`);
  }
  for (const letter of NO_SPACES) {
    assert.ok(await assertAgrees(`SELECT 1 AS a${letter}; SELECT 2`), JSON.stringify(letter));
    assert.is(splitStatements(`SELECT 1; ${letter}`).length, 2);
  }
});

test('a word of 1 MiB and 10,000 brackets are cut like any other text', async () => {
  const word = `SELECT "${'x'.repeat(1024 * 1024)}"; SELECT 1`;
  assert.is(splitStatements(word).length, 2);
  assert.is(await duckCount(word), 2);
  const brackets = `SELECT ${'('.repeat(10_000)}1${')'.repeat(10_000)}; SELECT 1`;
  assert.is(splitStatements(brackets).length, 2);
  assert.equal(parse(brackets).diagnostics, []);
});

test('a NUL, at which DuckDB would stop reading, is told', async () => {
  assert.is(await duckCount('SELECT 1; \0 SELECT 2'), 1);
  assert.match(parse('SELECT 1; \0 SELECT 2').diagnostics[0]!.message, /NUL/);
});

test.after(() => {
  connection.closeSync();
  instance.closeSync();
});

test.run();
