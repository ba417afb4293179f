import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { childrenOf, parse, print, type StatementNode, visit } from '../../grammar/index.ts';
import { DIALECT, PLAIN } from './corpus.ts';
import { only, withoutSpans } from './support.ts';

test('the printed form is canonical', () => {
  const source =
    "-- @  parallel\n-- @ model : m\nexplain analyze (format json) create or replace temporary table if not exists a.\"b\" as rvbbit map distinct batch 2 parallel 5 E'x\\'y' as \"c d\" using ( select 1 ) with (\"LIMIT\"=1, cache=TRUE, label='it''s') returning (a, b DECIMAL(1,2) from '$.b')";
  assert.is(
    print(only(source)),
    [
      '-- @ parallel',
      '-- @ model: m',
      'EXPLAIN ANALYZE (FORMAT JSON)',
      'CREATE OR REPLACE TEMP TABLE IF NOT EXISTS a."b" AS',
      "RVBBIT MAP PARALLEL 5 BATCH 2 DISTINCT 'x''y' AS \"c d\"",
      'USING ( select 1 )',
      "RETURNING (a, b DECIMAL(1,2) FROM '$.b')",
      "WITH (\"limit\" = 1, cache = true, label = 'it''s');",
    ].join('\n'),
  );
});

test('printing and reading the corpus gives the same tree, and the same text again', () => {
  for (const source of [...DIALECT, ...PLAIN]) {
    const printed = print(only(source));
    assert.equal(withoutSpans(only(printed)), withoutSpans(only(source)), printed);
    assert.is(print(only(printed)), printed);
  }
  const script = parse([...PLAIN, ...DIALECT].join('\n;\n')).statements;
  assert.equal(withoutSpans(parse(print(script)).statements), withoutSpans(script));
});

test('PARALLEL without a number is printed with its 10', () => {
  const printed = print(only("rvbbit map parallel 'x' using (q)"));
  assert.is(printed, "RVBBIT MAP PARALLEL 10 'x'\nUSING (q);");
});

test('a comment at the end of plain SQL does not take in the semicolon', () => {
  const printed = print(parse('SELECT 1 -- one\n;SELECT 2').statements);
  assert.is(printed, 'SELECT 1 -- one\n;\n\nSELECT 2;');
});

test('no annotation is gained by printing', () => {
  const sources = [
    'SELECT 1; -- @ parallel: 5\nSELECT 2',
    'SELECT 1;\n\u00a0-- @ parallel: 5\nSELECT 2',
  ];
  sources.push('SELECT 1; /* a */ -- @ parallel: 5\nSELECT 2');
  for (const source of sources) {
    const { statements } = parse(source);
    const again = parse(print(statements)).statements;
    assert.equal(withoutSpans(again), withoutSpans(statements), source);
  }
});

test('annotations of plain SQL are printed once, and added where the text lacks them', () => {
  const statement = only('-- @ threshold: 0.7\nSELECT 1');
  assert.is(print(statement), '-- @ threshold: 0.7\nSELECT 1;');
  const made = { ...statement, text: 'SELECT 1' } as StatementNode;
  assert.is(print(made), '-- @ threshold: 0.7\nSELECT 1;');
});

test('a name that is no word is quoted', () => {
  const statement = only("RVBBIT MAP 'x' AS a USING (q)");
  assert.is(statement.kind, 'Map');
  if (statement.kind !== 'Map') return;
  const renamed: StatementNode = { ...statement, alias: { ...statement.alias!, value: 'a "b"' } };
  assert.match(print(renamed), /AS "a ""b"""/);
});

test('a walk meets each node once, parents first, and stops where it is told to', () => {
  const statement = only(DIALECT[3]!);
  const kinds: string[] = [];
  visit(statement, {
    Map: (node) => kinds.push(`${node.kind}:${childrenOf(node).length}`),
    ResultColumn: ({ name }) => {
      kinds.push(name.value);
      return name.value !== 'price' && undefined;
    },
    SqlIsland: ({ text }) => kinds.push(text),
  });
  assert.equal(kinds, [
    'Map:7',
    'brand',
    'VARCHAR',
    'price',
    'tags',
    'VARCHAR[]',
    's',
    'STRUCT(a INT, b VARCHAR)[]',
    'from t',
  ]);
});

test.run();
