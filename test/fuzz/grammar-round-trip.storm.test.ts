import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPTIONS, parse, print, type StatementNode } from '../../grammar/index.ts';
import { withoutSpans } from '../grammar/support.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const span = { start: 0, end: 0 };
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ maxLength: 8 }),
  fc.constantFrom("it's", '\\', "'';--", '$$', '/*', '\r\n', '\ud800', ''),
);
const sqlText = text.map((value) => value.replaceAll('\0', ''));
const word = fc.constantFrom(
  ...'a b_1 map run rvbbit MEANS parallel batch distinct async as from with tables returning format if not exists é ñandú日 using$ true json'.split(
    ' ',
  ),
);
const identifier = fc.oneof(
  word.map((value) => ({ kind: 'Identifier', value, quoted: false, span })),
  sqlText
    .filter((value) => value !== '')
    .map((value) => ({ kind: 'Identifier', value, quoted: true, span })),
);
const string = sqlText.map((value) => ({ kind: 'StringLiteral', value, span }));
const cascade = string.map((literal) => ({ ...literal, value: `${literal.value}.yaml` }));
const island = fc
  .array(
    fc.constantFrom(
      ...['SELECT 1', ' ', '()', '(a, (b))', "')'", '")"', '$$)$$', '-- )\n', '/* ) /* */ */', 'é'],
      ...["E'\\')'", 'x[1]', "{'a': 1}", '->>', '::INT', '$1', '?', '\r\n', 'USING (q)', 'RVBBIT'],
    ),
    { maxLength: 6 },
  )
  // A query that begins with the word is a statement of the dialect.
  .filter((parts) => parts.find((part) => !/^(?:\s+|--.*\n|\/\*.*)$/.test(part)) !== 'RVBBIT')
  .map((parts) => ({ kind: 'SqlIsland', text: [...parts, 'q'].join(' '), span }));
const type = fc
  .constantFrom(
    ...[
      'INT',
      'DECIMAL(10,2)',
      'VARCHAR[]',
      'STRUCT(a INT, "b)" VARCHAR[3])[]',
      '"my type"',
      's.t',
    ],
    ...['TIMESTAMP WITH TIME ZONE', "ENUM('a', 'b')", 'MAP(INT, VARCHAR)', 'from', 'UNION(a INT)'],
  )
  .map((value) => ({ kind: 'SqlIsland', text: value, span }));
const column = fc.record(
  {
    kind: fc.constant('ResultColumn'),
    name: identifier,
    type,
    from: string,
    span: fc.constant(span),
  },
  { requiredKeys: ['kind', 'name', 'span'] },
);
const columns = fc.array(column, { minLength: 1, maxLength: 3 });
const count = fc
  .integer({ min: 1, max: 4096 })
  .map((value) => ({ kind: 'NumberLiteral', value, span }));

function optionValue(key: string, verb: 'map' | 'run'): fc.Arbitrary<unknown> {
  const spec = OPTIONS.get(key)!;
  const { kinds, min = 0, max = 1e6 } = spec;
  const values = (verb === 'run' ? spec.runValues : undefined) ?? spec.values;
  const numbers = kinds.includes('integer')
    ? fc.integer({ min, max })
    : fc.double({ min: Math.max(min, 0), max, noNaN: true }).map((value) => value + 0);
  const choices: fc.Arbitrary<unknown>[] = [];
  if (kinds.includes('integer') || kinds.includes('number') || kinds.includes('duration')) {
    choices.push(numbers.map((value) => ({ kind: 'NumberLiteral', value, span })));
  }
  if (kinds.includes('boolean')) {
    choices.push(fc.boolean().map((value) => ({ kind: 'BooleanLiteral', value, span })));
  }
  if (kinds.includes('string')) {
    const named = sqlText.filter((value) => value.trim() !== '');
    const strings = values === undefined ? named : fc.constantFrom(...values);
    choices.push(strings.map((value) => ({ kind: 'StringLiteral', value, span })));
  }
  return fc.oneof(...choices);
}

function options(verb: 'map' | 'run', always: readonly string[]): fc.Arbitrary<unknown[]> {
  // Those that repeat a modifier could contradict it.
  const repeated = ['parallel', 'batch', 'distinct', 'result_column'];
  const keys = [...OPTIONS.values()]
    .filter(({ key, appliesTo }) => appliesTo.includes(verb) && !repeated.includes(key))
    .map(({ key }) => key);
  return fc.uniqueArray(fc.constantFrom(...keys), { maxLength: 4 }).chain((chosen) =>
    fc.tuple(
      ...[...new Set([...always, ...chosen])].map((key) =>
        fc.tuple(optionValue(key, verb), fc.boolean()).map(([value, quoted]) => ({
          kind: 'Option',
          key: { kind: 'Identifier', value: key, quoted, span },
          value,
          span,
        })),
      ),
    ),
  );
}

const annotations = fc.uniqueArray(
  fc.constantFrom(
    { key: 'parallel' },
    { key: 'parallel', value: '5' },
    { key: 'model', value: 'a/b: c' },
    { key: 'prompt', value: 'Say -- /* "it\'s" */;' },
    { key: 'threshold', value: '0.5' },
  ),
  { selector: ({ key }) => key, maxLength: 2 },
);
const written = annotations.map((list) =>
  list.map((annotation) => ({ kind: 'Annotation', ...annotation, span })),
);

function mapStatement(asyncAllowed: 'always' | 'with as_table'): fc.Arbitrary<unknown> {
  return fc.boolean().chain((async) =>
    fc
      .record(
        {
          parallel: count,
          batch: fc.oneof(count, fc.constant({ kind: 'StringLiteral', value: 'auto', span })),
          distinct: fc.constant(span),
          result: fc.oneof(
            identifier.map((alias) => ({ alias })),
            columns.map((list) => ({ columns: list, columnsFrom: 'as' })),
            columns.map((list) => ({ columns: list, columnsFrom: 'returning' })),
          ),
          cascade,
          query: island,
          options: options('map', async && asyncAllowed !== 'always' ? ['as_table'] : []),
        },
        { requiredKeys: ['cascade', 'query', 'options'] },
      )
      .map(({ result, ...rest }) => ({
        kind: 'Map',
        ...rest,
        ...result,
        ...(async ? { async: span } : {}),
        annotations: [],
        span,
      })),
  );
}

const runStatement: fc.Arbitrary<unknown> = fc
  .record(
    {
      async: fc.constant(span),
      cascade,
      query: island,
      result: fc.oneof(
        columns.map((list) => ({ columns: list })),
        fc.array(identifier, { maxLength: 2 }).map((list) => ({ returningTables: list })),
      ),
      options: options('run', []),
    },
    { requiredKeys: ['cascade', 'query', 'options'] },
  )
  .map(({ result, ...rest }) => ({ kind: 'Run', ...rest, ...result, annotations: [], span }));

const table = fc
  .array(identifier, { minLength: 1, maxLength: 3 })
  .map((parts) => ({ kind: 'QualifiedName', parts, span }));
const createTable = fc.record({
  kind: fc.constant('CreateTable'),
  orReplace: fc.boolean(),
  temporary: fc.boolean(),
  ifNotExists: fc.boolean(),
  table,
  body: fc.oneof(mapStatement('always'), runStatement),
  annotations: fc.constant([]),
  span: fc.constant(span),
});
const insert = fc.record(
  {
    kind: fc.constant('Insert'),
    table,
    columns: fc.array(identifier, { minLength: 1, maxLength: 3 }),
    body: mapStatement('with as_table'),
    annotations: fc.constant([]),
    span: fc.constant(span),
  },
  { requiredKeys: ['kind', 'table', 'body', 'annotations', 'span'] },
);
const body = fc.oneof(mapStatement('with as_table'), runStatement, createTable, insert);
const explain = fc.record({
  kind: fc.constant('Explain'),
  analyze: fc.boolean(),
  format: fc.constantFrom('text', 'tree', 'json'),
  body,
  annotations: fc.constant([]),
  span: fc.constant(span),
});
const ofJob = { session: string, annotations: fc.constant([]), span: fc.constant(span) };
const timeout = optionValue('timeout', 'run').map((value) => ({
  kind: 'Option',
  key: { kind: 'Identifier', value: 'timeout', quoted: false, span },
  value,
  span,
}));
const job = fc.oneof(
  fc.record({ kind: fc.constant('CancelJob'), ...ofJob }),
  fc.record({
    kind: fc.constant('AwaitJob'),
    options: fc.array(timeout, { maxLength: 1 }),
    ...ofJob,
  }),
);
const show = fc.record({
  kind: fc.constant('Show'),
  what: fc.constantFrom('jobs', 'cascades', 'operators'),
  annotations: fc.constant([]),
  span: fc.constant(span),
});
const statement = fc
  .tuple(fc.oneof({ weight: 6, arbitrary: body }, explain, job, show), written)
  .map(([node, list]) => ({ ...(node as object), annotations: list }) as unknown as StatementNode);

test('reading what was printed gives the tree again, and printing that the same text', () => {
  const runs = cases(10_000, 200_000);
  reportCases(runs, 'generated trees');
  fc.assert(
    fc.property(statement, (tree) => {
      const printed = print(tree);
      const { statements, diagnostics } = parse(printed);
      const messages = diagnostics.map(({ message, excerpt }) => `${message}\n${excerpt}`);
      assert.equal(messages, [], printed);
      assert.equal(statements.map(withoutSpans), [withoutSpans(tree)], printed);
      assert.is(print(statements), printed);
    }),
    { seed, numRuns: runs },
  );
});

test('a script of many statements is read as each of them alone', () => {
  const runs = cases(1_000, 20_000);
  reportCases(runs, 'generated scripts');
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 4 }), (trees) => {
      assert.equal(parse(print(trees)).statements.map(withoutSpans), trees.map(withoutSpans));
    }),
    { seed, numRuns: runs },
  );
});

test.run();
