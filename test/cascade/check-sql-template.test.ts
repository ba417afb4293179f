import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkSqlTemplate } from '../../src/cascade/check-sql-template.ts';
import { compileSqlTemplate, renderSqlTemplate } from '../../src/cascade/sql-template.ts';
import type { TemplateContext } from '../../src/cascade/template.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const NAME = '{{ input.x | ident }}';

test('a placeholder in a quote or comment is refused with its line', () => {
  const quoted = [
    "'{{ input.x }}'",
    "'a {{ input.x }} b'",
    "'it''s {{ input.x }}'",
    "E'\\'{{ input.x }}'",
    "e'{{ input.x }}'",
    '"{{ input.x }}"',
    '"a""{{ input.x }}"',
    '$${{ input.x }}$$',
    '$t$ $$ {{ input.x }} $t$',
    '-- {{ input.x }}',
    '/* {{ input.x }} */',
    '/* /* */ {{ input.x }} */',
    "'{% if true %}'",
    "'{# c #}'",
    "'{{ input.x | ident }}'",
    "X'{{ input.x }}'",
    "'\n{{ input.x }}'",
    "'%' || '%{{ input.x }}%'",
  ];
  for (const piece of quoted) {
    const problem = checkSqlTemplate(`SELECT 1,\n ${piece}`);
    assert.is(problem?.code, 'RVB_TEMPLATE_QUOTED', piece);
    assert.is(problem?.line, piece.startsWith("'\n") ? 3 : 2);
  }
  const fine = [
    "'a' || {{ input.x }}",
    "'it''s' || {{ input.x }}",
    "E'\\\\' || {{ input.x }}",
    '"a" = {{ input.x }}',
    '$$ $t$ $$ || {{ input.x }}',
    '1 -- c\n, {{ input.x }}',
    '1 /* /* */ */ , {{ input.x }}',
    'a$b = {{ input.x }}',
    '[1,2][:{{ input.x }}]',
    "{'a': {{ input.x }} }",
    '{{ input.x }}::VARCHAR',
    "'{' || {{ input.x }}",
    'x[1:y], {{ "}}" }}',
    "1 {% if input.x == '}}' %}, 2{% endif %}",
  ];
  for (const piece of fine) assert.is(checkSqlTemplate(`SELECT ${piece}`), undefined, piece);
});

test('literal parameters, unbound text and glued pieces are refused', () => {
  const refused = [
    'SELECT $1',
    'SELECT $name',
    'SELECT ?',
    'SELECT ?1',
    'WHERE a = :id',
    'f(:id)',
    'SELECT 1$1',
    'SELECT ${{ input.x }}',
    '{% macro f() %}x{% endmacro %}',
    '{% call f() %}{% endcall %}',
    '{% filter upper %}x{% endfilter %}',
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% extends 'x' %}",
    '{% block a %}{% endblock %}',
    '{% set x %}a{% endset %}',
    '{% raw %}x{% endraw %}',
    '{% do x %}',
    '{% autoescape true %}{% endautoescape %}',
    '{% for x in input.l recursive %}{% endfor %}',
    'col_{{ input.x }}',
    '{{ input.x }}_col',
    '1{{ input.x }}',
    'a{% if true %}b{% endif %}',
    "SELECT 'open",
    'SELECT "open',
    'SELECT $$open',
    'SELECT /* open',
    'SELECT {{ input.x',
    'SELECT {{ ) + (input.x }}',
    'SELECT {{ }}',
    '{% if x %}',
    'SELECT {{ input.x) }} {{ (input.x }}',
  ];
  for (const source of refused) assert.is(checkSqlTemplate(source)?.code, 'RVB_TEMPLATE', source);
});

test('quotes end where DuckDB ends them: escapes go on in the next string, a tag parts two strings', () => {
  const quoted = [
    `E'one '\n 'it\\'s ${NAME} \\''`,
    `E'one' -- c\n\t'it\\'s ${NAME} \\''`,
    `1e'it\\'s ${NAME} \\''`,
    `$$ ' $$ || E'it\\'s ${NAME}'`,
  ];
  for (const piece of quoted) {
    assert.is(checkSqlTemplate(`SELECT ${piece}`)?.code, 'RVB_TEMPLATE_QUOTED', piece);
  }
  const fine = [`E'it\\'s' || ${NAME}`, `U&'a\\' || ${NAME}`, `a$$ || ${NAME} || b$$`];
  for (const piece of fine) assert.is(checkSqlTemplate(`SELECT ${piece}`), undefined, piece);
  const branch = `SELECT E'one'\n{% if input.no %},{% endif %}'it\\' , ${NAME} \\''`;
  const { text } = renderSqlTemplate(compileSqlTemplate(branch, 'map'), view('a'));
  assert.match(text, /'one'\s+\/\*\*\/'it/);
});

test('a Unicode blank stands in quotes and comments alone', () => {
  for (const blank of ['\u00a0', '\u200b', '\u3000']) {
    const refused = [`1${blank}`, `E'one'${blank}\n'it\\' ${NAME} \\''`, `$${blank}$ a $${blank}$`];
    for (const piece of refused) {
      const problem = checkSqlTemplate(`SELECT ${piece}`);
      assert.match(problem?.message ?? '', /^the blank U\+[0-9A-F]{4} outside quotes/, piece);
    }
    const fine = `SELECT '${blank}', "${blank}", $t$${blank}$t$ -- ${blank}\n, {{ input.x }} /*${blank}*/`;
    assert.is(checkSqlTemplate(fine), undefined);
  }
  assert.is(checkSqlTemplate('SELECT \u2028, {{ input.x }}'), undefined, 'a letter to DuckDB');
});

const ESCAPED = `'it\\' ${NAME} \\''`;
const PIECES: readonly string[] = [
  ...[NAME, NAME, ESCAPED, ESCAPED, `e${ESCAPED}`, "E'one'", "'one'", "E'it\\'s'", '"q"', "x'ab'"],
  ...["/* ' */", '/* " */', "$$ ' $$", "-- '\n", "-- '\r", '\n', '\n', ' ', '\u00a0', '\u200b'],
  ...[',', ',', '||', '1', '1e', '1_', 'a', 'E', 'U&', 'N', 'x', '$\u00a0$', '\v', '\f'],
  ...['{% if input.no %}', '{% endif %}', '{% if input.no %},{% endif %}', '{# c #}'],
];

test('whatever a query is made of, a name in it stays one name to DuckDB', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const treeOf = async (query: string): Promise<string> => {
    const reader = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [
      query,
    ]);
    return String(reader.getRows()[0]![0]).replace(/"query_location":\d+/g, '');
  };
  const hostile = "' || (SELECT 1) || E'";
  const harmless = 'x'.repeat(hostile.length);
  const runs = cases(800, 100_000);
  const texts = fc.sample(fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 7 }), {
    numRuns: runs,
    seed,
  });
  let compared = 0;
  for (const pieces of texts) {
    const source = `SELECT ${pieces.join('')}`;
    if (!source.includes(NAME) || checkSqlTemplate(source) !== undefined) continue;
    const template = compileSqlTemplate(source, 'map');
    const [expected, found] = [
      await treeOf(renderSqlTemplate(template, view(harmless)).text),
      await treeOf(renderSqlTemplate(template, view(hostile)).text),
    ];
    const failed = '"error":true';
    if (expected.includes(failed) && found.includes(failed)) continue;
    compared++;
    const renamed = expected.replaceAll(`"${harmless}"`, () => JSON.stringify(hostile));
    assert.is(found, renamed, JSON.stringify(source));
  }
  connection.closeSync();
  instance.closeSync();
  reportCases(runs, `queries, ${compared} of them taken by DuckDB`);
  assert.ok(compared > runs / 100, `only ${compared}`);
});

function view(x: string): TemplateContext {
  return { input: { x, no: false }, outputs: {}, state: {} };
}

test.run();
