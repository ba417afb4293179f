import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from '../../grammar/index.ts';
import { problem } from './support.ts';

const map = (rest: string) => `RVBBIT MAP 'x' USING (SELECT 1) ${rest}`;

/** Source, what stands at the place, words of the message, suggestion. */
const SLIPS: readonly (readonly [string, string, RegExp, string?])[] = [
  ["RVBBIT MAP PARALEL 5 'x' USING (SELECT 1)", 'PARALEL', /Did you mean PARALLEL\?/, 'PARALLEL'],
  ["RVIBBT MAP 'x' USING (SELECT 1)", 'RVIBBT', /Did you mean RVBBIT\?/, 'RVBBIT'],
  ["RVBBIT MPA 'x' USING (SELECT 1)", 'MPA', /MAP, RUN, AWAIT or CANCEL/, 'MAP'],
  ['RVBBIT MAP "x.yaml" USING (SELECT 1)', '"x.yaml"', /single quotes/, "'x.yaml'"],
  ['RVBBIT MAP a/b.yaml USING (SELECT 1)', 'a', /stands in quotes/, "'a/b.yaml'"],
  ['RVBBIT MAP USING (SELECT 1)', 'USING', /path in quotes is missing/],
  ["RVBBIT MAP 'x' USING SELECT 1", 'USING', /query in parentheses/, 'USING (SELECT …)'],
  ["RVBBIT MAP 'x' USING (SELECT (1)", '(', /\( is not closed/],
  ["RVBBIT MAP 'x' USING (SELECT 1))", ')', /closes nothing/],
  ["RVBBIT MAP 'x USING (SELECT 1)", "'", /string is not closed/],
  ["RVBBIT MAP 'x' USING (SELECT 1 /* )", '/*', /comment is not closed/],
  ["RVBBIT MAP 'x' AS 'brand' USING (SELECT 1)", "'brand'", /alias is a name/, '"brand"'],
  ["RVBBIT MAP 'x' WITH (limit = 1) USING (SELECT 1)", 'WITH', /comes after USING/],
  ["RVBBIT MAP 'x' PARALLEL 5 USING (SELECT 1)", 'PARALLEL', /before the cascade path/],
  ["RVBBIT MAP PARALLEL 5 PARALLEL 5 'x' USING (SELECT 1)", 'PARALLEL 5', /stands twice/],
  [map('USING (SELECT 2)'), 'USING', /USING stands twice/],
  [map('WITH (limit = 1) WITH (cache = true)'), 'WITH', /stands twice/],
  [map(`RETURNING (a, "" INT FROM '$.a')`), '""', /name is empty/],
  ['CREATE TABLE x AS RVBBIT MAP \'x\' AS "" USING (SELECT 1)', '""', /name is empty/],
  ['CREATE TABLE "" AS RVBBIT MAP \'x\' USING (SELECT 1)', '""', /name is empty/],
  ['RVBBIT RUN \'x\' USING (SELECT 1) RETURNING TABLES ("")', '""', /name is empty/],
  [map('RETURNIN (a INT)'), 'RETURNIN', /Did you mean RETURNING/, 'RETURNING'],
  [map('RETURNING (a INT,)'), ')', /follows the comma/],
  [map('foo'), 'foo', /the end of the statement/],
  [map('WITH (limit = 1 cache = true)'), ' ', /comma is missing/],
  [map('WITH (limit => 1)'), '=>', /written limit = value/, '='],
  [map('WITH (limit: 1)'), ':', /written limit = value/, '='],
  [map('WITH (limt = 1)'), 'limt', /Did you mean limit/, 'limit'],
  [map('WITH (on_error = fail)'), 'fail', /for example/, "'fail'"],
  [map("WITH (limit = 'ten')"), "'ten'", /limit takes a whole number/],
  [map('WITH (timeout = true)'), 'true', /a duration/],
  [map('WITH (limit = 1, limit = 2)'), 'limit = 2', /given twice/],
  [map('RETURNING TABLES'), 'TABLES', /belongs to RVBBIT RUN/],
  ["RVBBIT RUN PARALLEL 'x' USING (SELECT 1)", 'PARALLEL', /^PARALLEL belongs to RVBBIT MAP\.$/],
  ["RVBBIT MAP PARALLEL <n> 'x' USING (SELECT 1)", '<', /<n> is a placeholder; .* PARALLEL 5/],
  ["RVBBIT MAP PARALLEL n 'x' USING (SELECT 1)", 'n', /^Expected a number, BATCH/],
  ["RVBBIT AWAIT 'x' WITH (model = 'm')", "model = 'm'", /^RVBBIT AWAIT takes one option/],
  ["RVBBIT AWAIT 'x' WITH (timeout = 'soon')", "'soon'", /duration/],
  ["RVBBIT CANCEL 'x' WITH (timeout = '5s')", "timeout = '5s'", /^RVBBIT CANCEL takes no options/],
  ["RVBBIT MAP BATCH 'x' USING (SELECT 1)", "'x'", /^Expected a number or AUTO, but/],
  [
    map('WITH (parallel = 5)').replace('MAP', 'MAP PARALLEL'),
    'parallel = 5',
    /here and in PARALLEL/,
  ],
  ["RVBBIT RUN PARALLEL 5 'x' USING (SELECT 1)", '5', /^PARALLEL belongs to RVBBIT MAP\.$/],
  ["RVBBIT RUN 'x' USING (q) WITH (distinct = true)", 'distinct', /belongs to RVBBIT MAP/],
  ["RVBBIT RUN BATCH 5 'x' USING (SELECT 1)", '5', /belongs to RVBBIT MAP/],
  ["RVBBIT RUN 'x' USING (SELECT 1) WITH (batch = 5)", 'batch', /belongs to RVBBIT MAP/],
  ["RVBBIT MAP PARALLEL 0 'x' USING (SELECT 1)", '0', /from 1 to 4096/],
  ["RVBBIT MAP PARALLEL -3 'x' USING (SELECT 1)", '-3', /from 1 to 4096/],
  ["RVBBIT MAP PARALLEL 4097 'x' USING (SELECT 1)", '4097', /from 1 to 4096/],
  ["RVBBIT MAP ASYNC 'x' USING (SELECT 1)", 'ASYNC', /as_table/],
  ["EXPLAIN (FORMAT JSN) RVBBIT MAP 'x' USING (SELECT 1)", 'JSN', /TEXT, TREE or JSON/, 'JSON'],
  ["EXPLAIN RVBBIT AWAIT 'x'", "RVBBIT AWAIT 'x'", /EXPLAIN takes/],
  ["INSERT INTO t RVBBIT RUN 'x' USING (q)", "RVBBIT RUN 'x' USING (q)", /INSERT takes RVBBIT MAP/],
  ["CREATE VIEW v AS RVBBIT MAP 'x' USING (SELECT 1)", 'VIEW', /Expected TABLE/],
  ['SHOW RVBBIT JOB', 'JOB', /Did you mean JOBS/, 'JOBS'],
  ["-- @ paralel: 5\nRVBBIT AWAIT 'x'", '-- @ paralel: 5', /Did you mean parallel/, 'parallel'],
  ["-- @ parallel: many\nRVBBIT AWAIT 'x'", '-- @ parallel: many', /-- @ parallel: 5/],
  ["-- @ parallel 5\nRVBBIT AWAIT 'x'", '-- @ parallel 5', /parallel: 5/, 'parallel: 5'],
  ["RVBBIT MAP 'x' USING ()", '()', /holds no query/],
  ["RVBBIT RUN 'x' USING ( /* q */ -- )\n)", '( /* q */ -- )\n)', /holds no query/],
  ["RVBBIT AWAIT E'a\\0'", "E'a\\0'", /holds a NUL/],
  [map("RETURNING (a FROM E'\\x00')"), "E'\\x00'", /holds a NUL/],
  [map("WITH (on_error = E'default:\\0')"), "E'default:\\0'", /holds a NUL/],
  ["SELECT 1; SELECT 'x", "'", /string is not closed/],
  ['SELECT 1; /* x', '/*', /comment is not closed/],
  ['SELECT \0 1', '\0', /NUL/],
];

for (const [source, place, message, suggestion] of SLIPS) {
  test(`${JSON.stringify(source)} is told ${message.source}`, () => {
    const found = problem(source);
    assert.match(found.message, message);
    assert.is(source.slice(found.span.start, found.span.end), place);
    assert.is(found.suggestion, suggestion);
  });
}

test('a diagnostic shows its line with a caret under the place', () => {
  const found = problem("SELECT 1;\r\nRVBBIT MAP\n  PARALEL 5 'x' USING (SELECT 1)");
  assert.equal(
    [found.code, found.line, found.column, found.excerpt],
    ['RVB_SYNTAX', 3, 3, "  PARALEL 5 'x' USING (SELECT 1)\n  ^^^^^^^"],
  );
  assert.equal(found.expected, [
    'PARALLEL',
    'BATCH',
    'DISTINCT',
    'ASYNC',
    'the cascade path in quotes',
  ]);
});

test('a long line is cut to 80 columns around the place', () => {
  const { excerpt } = problem(`RVBBIT MAP 'x' USING (SELECT ${'1,'.repeat(300)} 1) FOO BAR`);
  const [line, carets] = excerpt.split('\n');
  assert.is(line!.length, 80);
  assert.is(line!.slice(carets!.indexOf('^'), carets!.length), 'FOO');
});

test('a statement that ends too soon is shown its end', () => {
  const found = problem('RVBBIT MAP ; SELECT 1');
  assert.match(found.message, /^The statement ends here, but PARALLEL/);
  assert.is(found.column, 11);
});

test('a broken statement hides neither the others nor their diagnostics', () => {
  const { statements, diagnostics } = parse(
    "SELECT 1; RVBBIT MAP (; RVBBIT AWAIT 'x'; RVBBIT RUN y; SELECT 2",
  );
  assert.equal(
    statements.map(({ kind }) => kind),
    ['Sql', 'AwaitJob', 'Sql'],
  );
  assert.is(diagnostics.length, 2);
});

test('all wrong options of a statement are told at once', () => {
  const { diagnostics } = parse(map("WITH (limt = 5, cache = 'maybe', retries = 1.5, nope = x)"));
  assert.equal(
    diagnostics.map(({ code }) => code),
    [
      'RVB_UNKNOWN_OPTION',
      'RVB_OPTION_TYPE',
      'RVB_OPTION_TYPE',
      'RVB_UNKNOWN_OPTION',
      'RVB_OPTION_TYPE',
    ],
  );
});

test('the same setting may stand twice if both say the same', () => {
  assert.equal(parse(map('WITH (limit = 5, LIMIT = 5)')).diagnostics, []);
  const same = "RVBBIT MAP PARALLEL 5 'x' USING (SELECT 1) WITH (parallel = 5)";
  assert.equal(parse(same).diagnostics, []);
  assert.match(problem(same.replace('= 5', '= 6')).message, /different values/);
  assert.equal(parse(map("WITH (on_error = 'FAIL', on_error = 'fail')")).diagnostics, []);
});

test('brackets deeper than 200 and statements longer than 1 MiB are refused by name', () => {
  const deep = (depth: number) =>
    `RVBBIT MAP 'x' USING (${'('.repeat(depth)}1${')'.repeat(depth)})`;
  assert.equal(parse(deep(199)).diagnostics, []);
  assert.is(problem(deep(200)).code, 'RVB_LIMIT');
  assert.is(problem(deep(10_000)).code, 'RVB_LIMIT');
  const long = (length: number) => `RVBBIT AWAIT '${'x'.repeat(length - 15)}'`;
  assert.equal(parse(long(1024 * 1024)).diagnostics, []);
  assert.is(problem(long(1024 * 1024 + 1)).code, 'RVB_LIMIT');
});

test('types may be as deep as brackets may', () => {
  const type = `${'STRUCT(a '.repeat(198)}INT${')'.repeat(198)}`;
  assert.equal(parse(map(`RETURNING (x ${type})`)).diagnostics, []);
});

test.run();
