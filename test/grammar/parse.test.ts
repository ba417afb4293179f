import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, splitStatements, visit } from '../../grammar/index.ts';
import { DialectParser } from '../../grammar/parser.ts';
import { DIALECT, PLAIN } from './corpus.ts';
import { only, withoutSpans } from './support.ts';

const name = (value: string, quoted = false) => ({ kind: 'Identifier', value, quoted });
const text = (value: string) => ({ kind: 'StringLiteral', value });
const number = (value: number) => ({ kind: 'NumberLiteral', value });
const sql = (value: string) => ({ kind: 'SqlIsland', text: value });

test('MAP keeps its modifiers, alias, query and options', () => {
  const source =
    "RVBBIT MAP BATCH 20 PARALLEL 5 DISTINCT 'a.yaml' AS brand USING ( SELECT ')' ) WITH (limit = 10, On_Error = 'fail', cache = TRUE)";
  assert.equal(withoutSpans(only(source)), {
    kind: 'Map',
    parallel: number(5),
    batch: number(20),
    distinct: true,
    cascade: text('a.yaml'),
    alias: name('brand'),
    query: sql(" SELECT ')' "),
    options: [
      { kind: 'Option', key: name('limit'), value: number(10) },
      { kind: 'Option', key: name('on_error'), value: text('fail') },
      { kind: 'Option', key: name('cache'), value: { kind: 'BooleanLiteral', value: true } },
    ],
    annotations: [],
  });
});

test('typed columns keep their types as they are written', () => {
  const source =
    "RVBBIT MAP 'x' AS (a, b DECIMAL(10, 2), c STRUCT(a INT, \"b)\" VARCHAR)[] FROM '$.c', d \"my type\", from FROM '$.f', e TIMESTAMP WITH TIME ZONE) USING (SELECT 1)";
  const map = only(source);
  assert.is(map.kind, 'Map');
  if (map.kind !== 'Map') return;
  assert.is(map.columnsFrom, 'as');
  assert.equal(
    map.columns?.map((column) => [column.name.value, column.type?.text, column.from?.value]),
    [
      ['a', undefined, undefined],
      ['b', 'DECIMAL(10, 2)', undefined],
      ['c', 'STRUCT(a INT, "b)" VARCHAR)[]', '$.c'],
      ['d', '"my type"', undefined],
      ['from', undefined, '$.f'],
      ['e', 'TIMESTAMP WITH TIME ZONE', undefined],
    ],
  );
});

test('RUN takes ASYNC, RETURNING TABLES and WITH in any order', () => {
  const source =
    "RVBBIT RUN ASYNC 'r.yaml' USING (FROM t) WITH (as_table = 'b') RETURNING TABLES (a, \"b\")";
  assert.equal(withoutSpans(only(source)), {
    kind: 'Run',
    async: true,
    cascade: text('r.yaml'),
    query: sql('FROM t'),
    returningTables: [name('a'), name('b', true)],
    options: [{ kind: 'Option', key: name('as_table'), value: text('b') }],
    annotations: [],
  });
});

test('CREATE TABLE, INSERT and EXPLAIN hold a call', () => {
  const call = { kind: 'Map', cascade: text('x'), query: sql('q'), options: [], annotations: [] };
  const source = "RVBBIT MAP 'x' USING (q)";
  const create = {
    kind: 'CreateTable',
    orReplace: true,
    temporary: true,
    ifNotExists: true,
    table: { kind: 'QualifiedName', parts: [name('s'), name('t', true)] },
    body: call,
    annotations: [],
  };
  assert.equal(
    withoutSpans(only(`CREATE OR REPLACE TEMP TABLE IF NOT EXISTS s."t" AS ${source}`)),
    create,
  );
  assert.equal(withoutSpans(only(`INSERT INTO if (a, "b") ${source}`)), {
    kind: 'Insert',
    table: { kind: 'QualifiedName', parts: [name('if')] },
    columns: [name('a'), name('b', true)],
    body: call,
    annotations: [],
  });
  const explained = withoutSpans(only(`EXPLAIN ANALYZE (FORMAT JSON) ${source}`));
  assert.equal(explained, {
    kind: 'Explain',
    analyze: true,
    format: 'json',
    body: call,
    annotations: [],
  });
});

test('statements about jobs, cascades and operators are read', () => {
  for (const what of ['jobs', 'cascades', 'operators']) {
    assert.equal(withoutSpans(only(`show rvbbit ${what}`)), {
      kind: 'Show',
      what,
      annotations: [],
    });
  }
  const session = text('batch-a');
  assert.equal(withoutSpans(only("RVBBIT AWAIT 'batch-a';")), {
    kind: 'AwaitJob',
    session,
    options: [],
    annotations: [],
  });
  assert.equal(withoutSpans(only('RVBBIT CANCEL $$batch-a$$')), {
    kind: 'CancelJob',
    session,
    annotations: [],
  });
});

test('every statement of the corpus is read, and every one of plain SQL is left alone', () => {
  for (const source of DIALECT) assert.is.not(only(source).kind, 'Sql', source);
  for (const source of PLAIN) {
    const statement = only(`  ${source}\n;`);
    assert.is(statement.kind, 'Sql', source);
    assert.is(statement.kind === 'Sql' && statement.text, source);
  }
});

test('spans are slices of the source', () => {
  const source = `SELECT 1;\n  ${DIALECT[2]} ; SELECT 2`;
  const { statements } = parse(source);
  assert.is(source.slice(statements[1]!.span.start, statements[1]!.span.end), DIALECT[2]);
  const spans: string[] = [];
  visit(statements[1]!, {
    StringLiteral: ({ span }) => spans.push(source.slice(span.start, span.end)),
    Identifier: ({ span }) => spans.push(source.slice(span.start, span.end)),
    SqlIsland: ({ span }) => spans.push(source.slice(span.start, span.end)),
  });
  assert.equal(spans, [
    "'a/b.yaml'",
    '"the brand"',
    'SELECT \')\' AS x, "y)" FROM t',
    'limit',
    'on_error',
    "'default:none'",
  ]);
});

test('strings are read as SQL reads them', () => {
  const cascade = (literal: string) => {
    const statement = only(`RVBBIT AWAIT ${literal}`);
    return statement.kind === 'AwaitJob' ? statement.session.value : undefined;
  };
  assert.is(cascade("'it''s'"), "it's");
  assert.is(cascade("E'a\\'b\\n\\x41\\u0042\\103'"), "a'b\nABC");
  assert.is(cascade("E'a''b'"), "a'b");
  assert.is(cascade("$q$it's $$ here$q$"), "it's $$ here");
  assert.is(cascade("'one'\n  'two'"), 'onetwo');
  assert.is(cascade("'a\\'"), 'a\\');
});

test('annotations right before a statement belong to it', () => {
  const source = [
    'SELECT 0; -- @ parallel: 9',
    '-- @ parallel: 5',
    '-- a comment',
    '',
    '--@ Model:  gpt-4o  ',
    '/*',
    '-- @ batch: 3',
    '*/',
    "RVBBIT MAP 'x' USING (SELECT 1);",
    '-- @ anything: goes',
    'SELECT 1',
  ].join('\r\n');
  const { statements, diagnostics } = parse(source);
  assert.equal(diagnostics, []);
  assert.equal(
    statements.map(({ annotations }) => annotations.map(({ key, value }) => [key, value])),
    [
      [],
      [
        ['parallel', '5'],
        ['model', 'gpt-4o'],
      ],
      [['anything', 'goes']],
    ],
  );
});

test('empty statements give nothing', () => {
  for (const source of ['', ';;;', ' -- x', '/* /* ; */ */;', '\ufeff;\u00a0;']) {
    assert.equal(splitStatements(source), [], source);
    assert.equal(parse(source).statements, []);
  }
});

test('chevrotain finds nothing wrong with the grammar', () => {
  assert.not.throws(() => new DialectParser(false));
});

test('the result and all its nodes are frozen', () => {
  const result = parse(DIALECT.join(';\n'));
  const check = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    assert.ok(Object.isFrozen(value), JSON.stringify(value));
    for (const inner of Object.values(value)) check(inner);
  };
  check(result);
  check(parse("RVBBIT MAPP; SELECT 'x"));
});

test.run();
