import { DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkSqlTemplate } from '../../src/cascade/check-sql-template.ts';
import { compileSqlTemplate, renderSqlTemplate } from '../../src/cascade/sql-template.ts';
import type { TemplateContext } from '../../src/cascade/template.ts';
import { RvbbitError } from '../../src/errors.ts';
import type { Json } from '../../src/util/json.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

function view(input: Record<string, Json>): TemplateContext {
  return { input, outputs: { before: input['x'] ?? null }, state: { s: input['x'] ?? null } };
}

function render(
  source: string,
  input: Record<string, Json>,
  kind: 'map' | 'run' = 'map',
): { text: string; values: readonly Json[] } {
  const { text, values } = renderSqlTemplate(compileSqlTemplate(source, kind), view(input));
  return { text: text.replace(/\s+/g, ' ').trim(), values };
}

test('each value becomes a bound parameter, in order', () => {
  assert.equal(render('SELECT {{ input.x }}, {{ input.y }}', { x: "it's", y: 2 }), {
    text: 'SELECT $1 , $2',
    values: ["it's", 2],
  });
  assert.equal(render('SELECT {{ input.n + 1 }}', { n: 1 }), { text: 'SELECT $1', values: [2] });
  assert.equal(render('SELECT {{ input.o }}, {{ input.o | tojson }}', { o: { a: [1] } }).values, [
    '{"a":[1]}',
    '{"a":[1]}',
  ]);
  assert.equal(render('SELECT {{ input.o }}', { o: null }).values, [null]);
  const loop =
    'SELECT 1 WHERE a IN ({% for v in input.list %}{{ v }}{% if not loop.last %},{% endif %}{% endfor %})';
  assert.equal(render(loop, { list: [5, 'b'] }), {
    text: 'SELECT 1 WHERE a IN ( $1 , $2 )',
    values: [5, 'b'],
  });
  assert.equal(
    render('SELECT 1{% if input.x %} WHERE a = {{ input.x }}{% endif %}', { x: '' }).values,
    [],
  );
});

test('ident quotes a name, and a list of names', () => {
  assert.is(render('SELECT {{ input.c | ident }}', { c: 'a"b' }).text, 'SELECT "a""b"');
  assert.is(
    render('SELECT {{ ("a" ~ input.c) | ident }}', { c: '"; DROP' }).text,
    'SELECT "a""; DROP"',
  );
  assert.is(render('FROM {{ input.c | ident }}', { c: ['main', 't'] }).text, 'FROM "main"."t"');
  assert.is(render('FROM {% set t = input.c | ident %}{{ t }}', { c: 't' }).text, 'FROM "t"');
});

test('the table of a RUN is a name without ident; in a MAP it is a value', () => {
  const source = 'SELECT * FROM {{ input.data_table }} WHERE n = {{ input.n }}';
  const input = { data_table: 'a b', n: 1 };
  assert.equal(render(source, input, 'run'), {
    text: 'SELECT * FROM "a b" WHERE n = $1',
    values: [1],
  });
  assert.equal(
    render(`${source}{% if true %}{% endif %}`, input, 'run').text,
    'SELECT * FROM "a b" WHERE n = $1',
  );
  assert.equal(render(source, input, 'map').values, ['a b', 1]);
  assert.is(render('FROM {{ input.data_table | ident }}', input, 'run').text, 'FROM "a b"');
});

test('what cannot be bound is an error that names the expression', () => {
  const failures: readonly (readonly [string, RegExp])[] = [
    ['SELECT {{ input.nope }}', /undefined value: input\.nope/],
    ['SELECT {{ input.nope }}{# #}{% if true %}{% endif %}', /undefined value: input\.nope/],
    ['SELECT {{ input.nope | ident }}', /undefined value|needs a text/],
    ['SELECT {{ input.x | ident ~ "a" }}', /ident must come last/],
    ['SELECT {{ input.n | ident }}', /ident needs a text/],
    ['SELECT {{ "" | ident }}', /ident needs a text/],
    ['SELECT {{ input.x | nope }}', /unknown filter/],
  ];
  for (const [source, pattern] of failures) {
    try {
      render(source, { x: 'a', n: 1 });
      assert.unreachable(source);
    } catch (error) {
      assert.instance(error, RvbbitError, String(error));
      assert.match((error as Error).message, pattern);
    }
  }
});

/** Values in use against query builders, and against this one. */
function payloads(): readonly string[] {
  const heads = [
    "'",
    '"',
    "''",
    '""',
    "';",
    '";',
    "')",
    '")',
    "'))",
    '\\',
    "\\'",
    '$$',
    '$t$',
    '`',
    ']',
    '})',
    '*/',
    '--',
    '/*',
    '\n',
    '\0',
    '\u2019',
    '\ud800',
    '%27',
    '0x27',
    '{{',
    '}}',
    '{%',
    '$1',
    '$2',
    '?',
    ':x',
    'ident:',
    '" . "',
    '1',
  ];
  const tails = [
    '',
    ' OR 1=1 --',
    '; DROP TABLE canary; --',
    ' UNION SELECT * FROM canary --',
    ' $1 ',
    '"; DELETE FROM canary; --',
    '{{ 7*7 }}',
  ];
  return [
    ...heads.flatMap((head) => tails.map((tail) => head + tail)),
    'canary',
    'main.canary',
    '"canary"',
    'SELECT 1',
    'NULL',
    "E'\\x27'",
  ];
}

/** Each place that a row's value can take in a query. */
const SLOTS: readonly string[] = [
  'SELECT {{ input.x }} AS v',
  'SELECT {{ input.x }} AS v{# no fast path #}{% if true %} WHERE true{% endif %}',
  "SELECT 'a' || {{ input.x }} AS v",
  'SELECT count(*) AS v FROM canary WHERE secret = {{ input.x }} OR secret LIKE {{ input.x }}',
  'SELECT 1 AS {{ input.x | ident }}',
  'SELECT 1 AS {{ input.x | ident }}{% if true %} WHERE true{% endif %}',
  'SELECT v FROM (SELECT 1 AS v) AS {{ ("t_" ~ input.x) | ident }}',
  'SELECT {{ outputs.before }} AS v, {{ state.s }} AS w{% for k in [1, 2] %}, {{ input.x }}{% endfor %}',
  'SELECT 1 AS v FROM range(1) WHERE {{ input.x }} IN ({{ input.x }}, {{ [input.x] }}, {{ {"k": input.x} }})',
  'SELECT * FROM {{ input.data_table }}',
];

test('no value becomes SQL: the canary lives, and what is bound is what is asked', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("CREATE TABLE canary AS SELECT 'secret' AS secret");
  const compiled = SLOTS.map((slot) => {
    assert.is(checkSqlTemplate(slot), undefined, slot);
    const template = compileSqlTemplate(slot, 'run');
    const plain = renderSqlTemplate(template, view({ x: 'x', data_table: 'x' })).text;
    return { template, plain };
  });
  let count = 0;
  const tryOne = async (value: string): Promise<void> => {
    for (const [i, { template, plain }] of compiled.entries()) {
      count++;
      let query: { text: string; values: readonly Json[] };
      try {
        query = renderSqlTemplate(template, view({ x: value, data_table: value }));
      } catch (error) {
        assert.instance(error, RvbbitError);
        assert.ok(value === '' || value.includes('\0'), `${JSON.stringify(value)} in ${SLOTS[i]}`);
        continue;
      }
      const bare = query.text.replace(/"(?:[^"]|"")*"/g, '"name"').replace(/\s+/g, ' ');
      assert.is(
        bare,
        plain.replace(/"(?:[^"]|"")*"/g, '"name"').replace(/\s+/g, ' '),
        JSON.stringify(value),
      );
      for (const bound of query.values)
        if (typeof bound === 'string' && i < 4) assert.is(bound, i === 1 ? bound : value);
      const isTable = SLOTS[i]!.includes('data_table');
      const extracted = await connection.extractStatements(query.text);
      assert.is(extracted.count, 1, query.text);
      if (isTable && !/^"canary"$/i.test(query.text.split('FROM')[1]!.trim())) continue;
      const prepared = await extracted.prepare(0);
      assert.is(prepared.parameterCount, query.values.length, query.text);
      prepared.destroySync();
    }
  };
  // Which of them an ordinary run takes changes from run to run; every head and every tail is among them.
  const stride = cases(4, 1);
  for (const [n, value] of payloads().entries()) {
    if ((n + seed) % stride === 0) await tryOne(value);
  }
  const random = cases(30, 5_000);
  const piece = fc.oneof(fc.constantFrom(...payloads()), fc.string({ unit: 'binary' }));
  const texts = fc.sample(fc.array(piece, { minLength: 1, maxLength: 4 }), {
    numRuns: random,
    seed,
  });
  for (const value of texts) await tryOne(value.join(''));
  const canary = await connection.runAndReadAll('SELECT secret FROM canary');
  assert.equal(canary.getRows(), [['secret']]);
  connection.closeSync();
  instance.closeSync();
  reportCases(count, 'injections, each value in each slot');
});

test('a token of ident cannot be forged by a value that repeats one', () => {
  const source = 'SELECT {{ input.x | ident }}, {{ input.y }}{% if true %}{% endif %}';
  const template = compileSqlTemplate(source, 'map');
  const leaked: string[] = [];
  const spy = compileSqlTemplate(
    'SELECT {{ (input.x | ident) | upper }}{% if true %}{% endif %}',
    'map',
  );
  leaked.push(String(renderSqlTemplate(spy, view({ x: 'a' })).values[0]).toLowerCase());
  assert.match(leaked[0]!, /^ident:[0-9a-f-]{36}:0$/);
  for (const token of [...leaked, 'ident:0', 'ident:00000000-0000-0000-0000-000000000000:0']) {
    const { text, values } = renderSqlTemplate(template, view({ x: 'a', y: token }));
    assert.match(text, '"a"');
    assert.equal(values, [token]);
  }
});

test.run();
