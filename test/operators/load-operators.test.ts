/** The operators of a cascade root: what is read, what overrides, what is refused and where. */
import { renameSync, statSync, utimesSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RvbbitError } from '../../src/errors.ts';
import { signatureOf } from '../../src/operators/check-call.ts';
import { loadOperators, OPERATOR_MAX_FILES } from '../../src/operators/load-operators.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { load, makeRoot, operatorFile, put } from './support.ts';

test('a file in operators/ adds an operator, with its schema made of its arguments', async () => {
  const { operators, byFunction, broken, files } = await load({
    'rhymes.yaml': operatorFile({
      name: 'rhymes',
      args: '[{ name: text, type: text }, { name: n, type: int, optional: true }]',
      operators: '["RHYMES({text}, {n})", "ASSONANT({text})"]',
    }),
  });
  assert.is(broken.size, 0);
  const operator = operators.get('RHYMES')!;
  const { cascade, ...rest } = operator;
  assert.equal(rest, {
    name: 'RHYMES',
    functionName: 'semantic_rhymes',
    shape: 'SCALAR',
    returns: 'BOOLEAN',
    args: [
      { name: 'text', type: 'VARCHAR' },
      { name: 'n', type: 'INTEGER' },
    ],
    patterns: [],
    symmetric: false,
    deterministic: true,
    source: 'file',
  });
  assert.equal(cascade.requiredInputs, ['text']);
  assert.equal(cascade.inputColumns, ['text', 'n']);
  assert.equal(cascade.inputsSchema?.['properties'], {
    text: { type: 'string' },
    n: { type: ['number', 'string'] },
  });
  for (const name of ['semantic_rhymes', 'RHYMES', 'assonant', 'semantic_assonant']) {
    assert.is(byFunction(name), operator, name);
  }
  assert.is(files.get('RHYMES'), 'operators/rhymes.yaml');
  assert.is(operators.get('MEANS')?.source, 'built-in');
});

test('a file of the same name takes the place of a built-in, its words included', async () => {
  const { operators, byFunction, broken } = await load({
    'mine.yml': operatorFile({ name: 'Means', operators: '["{text} MEANS {other}"]' }),
  });
  assert.is(broken.size, 0);
  assert.is(operators.get('MEANS')?.source, 'file');
  assert.is(byFunction('semantic_matches'), undefined);
  assert.is(byFunction('semantic_means'), operators.get('MEANS'));
});

test('two words, words of any case, and arguments in the other order', async () => {
  const { operators } = await load({
    'rhymes.yaml': operatorFile({
      operators: '["{other} rhymes with {text}", "{ text }  RHYMES  { other }"]',
    }),
  });
  assert.equal(operators.get('RHYMES')?.patterns, [
    { left: 'other', words: ['RHYMES', 'WITH'], right: 'text' },
    { left: 'text', words: ['RHYMES'], right: 'other' },
  ]);
});

test('other YAML files and cascades without sql_function are no operators', async () => {
  const { operators, broken } = await load({
    'helper.yaml': 'cells: [{ name: a, tool: js, inputs: { code: return 1 } }]\n',
    'notes.txt': 'no YAML',
    'operators/deeper/rhymes.yaml': operatorFile(),
  });
  assert.is(broken.size, 0);
  assert.is(operators.has('RHYMES'), false);
  assert.is(operators.has('HELPER'), false);
});

const VARCHAR = '{ name: text, type: VARCHAR }';

/** What is wrong, where (line:column in the file), and the words of the message. */
const BAD: readonly (readonly [Readonly<Record<string, string | undefined>>, string, RegExp])[] = [
  [{ name: '1st' }, '2:9', /sql_function\.name: expected a name/],
  [{ returns: undefined }, '2:3', /sql_function\.returns is missing/],
  [{ returns: 'BOOLEEN' }, '3:12', /'BOOLEEN' is not a type .* did you mean BOOLEAN\?/],
  [{ returns: 'STRUCT(a INT)' }, '3:12', /is not a type that operators can have; .* return JSON/],
  [{ returns: 'DECIMAL(40,2)' }, '3:12', /is not a type/],
  [{ args: undefined }, '2:3', /sql_function\.args is missing/],
  [{ args: '[]' }, '2:3', /sql_function\.args is missing/],
  [
    { args: `[${VARCHAR}, { name: other, type: TXT }]` },
    '4:62',
    /1 problem:\n.*'TXT' is not a type/,
  ],
  [{ args: `[${VARCHAR}, ${VARCHAR}]`, operators: undefined }, '4:49', /two arguments text/],
  [
    { args: `[{ name: text, type: VARCHAR, optional: true }]`, operators: undefined },
    '4:10',
    /the first argument cannot be optional/,
  ],
  [
    {
      args: `[${VARCHAR}, { name: b, type: VARCHAR, optional: true }, { name: c, type: VARCHAR }]`,
      operators: undefined,
    },
    '4:93',
    /c comes after an optional argument/,
  ],
  [
    { operators: '["{text} RHYMES {othr}"]' },
    '5:15',
    /\{othr\} is no argument; did you mean other\?/,
  ],
  [
    { operators: '["{text} RHYMES {text}"]' },
    '5:15',
    /the required argument other is missing from this spelling/,
  ],
  [{ operators: '["RHYMES {text}"]' }, '5:15', /expected \{argument\} WORD \[WORD\] \{argument\}/],
  [{ operators: '["{text} {other}"]' }, '5:15', /expected \{argument\} WORD/],
  [{ operators: '["{text} ~@~ {other}"]' }, '5:15', /expected \{argument\} WORD/],
  [{ operators: '["{text} RHYMES VERY WELL {other}"]' }, '5:15', /more than 2 words/],
  [{ operators: '["{text} LIKE {other}"]' }, '5:15', /LIKE is a keyword of DuckDB/],
  [{ operators: '["{text} filter {other}"]' }, '5:15', /FILTER is a keyword of DuckDB/],
  [{ operators: '["{text} NOT {other}"]' }, '5:15', /NOT is a keyword of DuckDB/],
  [{ operators: '["{text} RVBBIT {other}"]' }, '5:15', /RVBBIT begins statements/],
  [{ operators: '["{text} RHYMES NOT {other}"]' }, '5:15', /only TO and WITH may come second/],
  [{ operators: '["{text} RHYMES FROM {other}"]' }, '5:15', /only TO and WITH may come second/],
  [{ operators: '["CAST({text}, {other})"]' }, '5:15', /CAST is a word of DuckDB's grammar/],
  [{ operators: '["RHYMES({other}, {text})"]' }, '5:15', /come in their order: text, other/],
  [
    { operators: '["{text} RHYMES {other}", "{other} rhymes {text}"]' },
    '5:40',
    /RHYMES is there twice/,
  ],
  [
    { symmetric: 'true', args: `[${VARCHAR}, { name: other, type: BIGINT }]` },
    '6:14',
    /only two arguments of one type/,
  ],
  [
    { symmetric: 'true', args: `[${VARCHAR}]`, operators: '["RHYMES({text})"]' },
    '6:14',
    /only two arguments of one type/,
  ],
  [
    { shape: 'AGGREGATE', operators: '["RHYMES({text}, {other})"]' },
    '4:30',
    /the first argument of an AGGREGATE is the list of its values: VARCHAR\[\]/,
  ],
  [
    {
      shape: 'DIMENSION',
      args: '[{ name: text, type: "VARCHAR[]" }, { name: other, type: VARCHAR }]',
    },
    '5:15',
    /shape DIMENSION is only called: NAME\(\{text\}\)/,
  ],
  [{ shape: 'TABLE' }, '6:10', /sql_function\.shape/],
  [{ minimum: '0' }, '6:12', /minimum is for numbers, and the value is BOOLEAN/],
  [{ returns: 'DOUBLE', minimum: '1', maximum: '0' }, '6:12', /minimum is more than maximum/],
  [{ colour: 'red' }, '6:3', /unknown key colour in sql_function/],
];

for (const [lines, place, message] of BAD) {
  test(`refused at ${place}: ${message.source}`, async () => {
    const { operators, broken } = await load({ 'rhymes.yaml': operatorFile(lines) });
    const [[name, error] = []] = [...broken];
    assert.is(error?.code, 'RVB_CASCADE_INVALID', error?.message ?? 'it was taken');
    assert.match(error!.message, message);
    assert.ok(
      error!.message.includes(`operators/rhymes.yaml:${place} `),
      `${place}: ${error!.message}`,
    );
    assert.throws(
      () => operators.get(name!)!.cascade,
      (thrown: unknown) => thrown === error,
    );
    assert.is(operators.get('MEANS')?.source, 'built-in');
  });
}

/** What is wrong with the inputs that a file declares or reads, against its arguments. */
const INPUTS: readonly (readonly [string, RegExp])[] = [
  [
    'inputs_schema: { text: a }\n',
    /inputs_schema|the argument other is missing from inputs_schema/,
  ],
  ['inputs_schema: { text: a, other: b, third: c }\n', /third is no argument of the operator/],
  [
    'inputs_schema: { text: "a (optional)", other: b }\n',
    /the first argument cannot be optional[\s\S]*other comes after an optional argument/,
  ],
  [
    'inputs_schema: { type: object, required: [text, other], properties: { text: { type: integer }, other: {} } }\n',
    /text is VARCHAR, and inputs_schema says integer/,
  ],
];

for (const [more, message] of INPUTS) {
  test(`inputs that do not agree: ${message.source}`, async () => {
    const { broken } = await load({ 'rhymes.yaml': operatorFile() + more });
    assert.match(broken.get('RHYMES')?.message ?? 'it was taken', message);
  });
}

test('inputs_schema that agrees is taken as it stands', async () => {
  const schema =
    'inputs_schema: { type: object, required: [text, other], properties: { text: { type: string, maxLength: 9 }, other: {} } }\n';
  const { operators } = await load({ 'rhymes.yaml': operatorFile() + schema });
  const properties = operators.get('RHYMES')!.cascade.inputsSchema!['properties'];
  assert.equal(properties, { text: { type: 'string', maxLength: 9 }, other: {} });
});

test('what inputs_schema does not require a call may leave out, unless the argument says otherwise', async () => {
  const schema = 'inputs_schema: { text: a, other: "b (optional)", more: "c (optional)" }\n';
  const { operators } = await load({
    'rhymes.yaml': operatorFile({ operators: undefined }) + schema,
  });
  const operator = operators.get('RHYMES')!;
  assert.equal(operator.cascade.requiredInputs, ['text']);
  assert.match(
    signatureOf(operator),
    /^RHYMES\(text VARCHAR\[, other VARCHAR\]\) → BOOLEAN; RHYMES\(text/,
  );
  const args = '[{ name: text, type: VARCHAR }, { name: other, type: VARCHAR, optional: false }]';
  const { broken } = await load({ 'rhymes.yaml': operatorFile({ args }) + schema });
  assert.match(
    broken.get('RHYMES')!.message,
    /other is optional in inputs_schema and required in args/,
  );
});

test('an operator without spellings is called by its name, which then is no word of the grammar', async () => {
  const { operators, byFunction } = await load({
    'rhymes.yaml': operatorFile({ name: 'semantic_rhymes', operators: undefined }),
  });
  assert.is(operators.get('RHYMES')?.functionName, 'semantic_rhymes');
  assert.is(byFunction('rhymes'), operators.get('RHYMES'));
  const { broken } = await load({
    'cast.yaml': operatorFile({ name: 'CAST', operators: undefined }),
  });
  assert.match(broken.get('CAST')!.message, /cast\.yaml:2:9 CAST is a word of DuckDB's grammar/);
});

test('a prompt that reads an input which is no argument is refused', async () => {
  const text = operatorFile().replace(
    /^cells.*/m,
    'cells: [{ name: a, instructions: "Is {{ input.txt }} like {{ input.other }}?" }]',
  );
  const { broken } = await load({ 'rhymes.yaml': text });
  assert.match(
    broken.get('RHYMES')!.message,
    /rhymes\.yaml:6:47 unknown name input\.txt, which is no argument in sql_function\.args; did you mean input\.text\?/,
  );
});

test('an override that is not in order is not passed over for the built-in', async () => {
  for (const text of [
    'sql_function: { name: MEANS, returns: NOTHING }\ncells: []\n',
    'cascade_id: [unclosed\n',
    '',
    '\0',
  ]) {
    const { operators, broken, byFunction } = await load({ 'means.yaml': text });
    const means = operators.get('MEANS')!;
    assert.is(broken.get('MEANS')?.code, 'RVB_CASCADE_INVALID', text);
    assert.equal(
      means.patterns.map(({ words }) => words.join(' ')),
      ['MEANS', 'MATCHES'],
    );
    for (const key of ['shape', 'args', 'symmetric', 'deterministic', 'cascade'] as const) {
      assert.throws(() => (byFunction('semantic_matches') as Operator)[key], isInvalid);
    }
  }
});

function isInvalid(thrown: unknown): boolean {
  return thrown instanceof RvbbitError && thrown.code === 'RVB_CASCADE_INVALID';
}

test('operators that have the same words, name or function are refused with both files', async () => {
  const claims: readonly (readonly [Readonly<Record<string, string>>, string, RegExp])[] = [
    [
      {
        'rhymes.yaml': operatorFile({
          operators: '["{text} RHYMES {other}", "{text} MATCHES {other}"]',
        }),
      },
      'MEANS',
      /'built-in\/means\.yaml' and 'operators\/rhymes\.yaml' both have the words MATCHES:\noperators\/rhymes\.yaml:5:40 .* give this one its name, MEANS/,
    ],
    [
      { 'a.yaml': operatorFile(), 'b.yaml': operatorFile({ name: 'ECHOES' }) },
      'ECHOES',
      /'operators\/a\.yaml' and 'operators\/b\.yaml' both have the words RHYMES:\noperators\/b\.yaml:5:15 /,
    ],
    [
      { 'a.yaml': operatorFile(), 'b.yaml': operatorFile({ operators: undefined as never }) },
      'RHYMES',
      /'operators\/a\.yaml' and 'operators\/b\.yaml' both have the name RHYMES:\noperators\/b\.yaml:2:9 /,
    ],
    [
      { 'a.yaml': operatorFile({ operators: '["CONDENSE({text}, {other})"]' }) },
      'CONDENSE',
      /both have the function (?:semantic_)?condense:\noperators\/a\.yaml:5:15 /,
    ],
  ];
  for (const [files, name, message] of claims) {
    const { operators, broken } = await load(files);
    assert.match(broken.get(name)?.message ?? `${name} is not broken`, message);
    assert.throws(() => operators.get(name)!.cascade, isInvalid);
    assert.is(operators.get('ABOUT')?.shape, 'SCALAR');
  }
});

test('a file that changes is read again, and one that does not is not', async () => {
  const root = makeRoot({ 'rhymes.yaml': operatorFile() });
  const first = await loadOperators(root);
  assert.is(await loadOperators(root), first);
  put(root, 'rhymes.yaml', operatorFile({ returns: 'DOUBLE ' }));
  const second = await loadOperators(root);
  assert.is(second.operators.get('RHYMES')?.returns, 'DOUBLE');
  put(root, 'rhymes.yaml', operatorFile({ returns: 'BIGINT ' }));
  const { atime, mtime } = statSync(`${root}/operators/rhymes.yaml`);
  utimesSync(`${root}/operators/rhymes.yaml`, atime, mtime);
  assert.is((await loadOperators(root)).operators.get('RHYMES')?.returns, 'BIGINT');
  renameSync(`${root}/operators/rhymes.yaml`, `${root}/gone.yaml`);
  assert.is((await loadOperators(root)).operators.has('RHYMES'), false);
});

test('a file whose code lies in another file sees that file change', async () => {
  const text = operatorFile().replace('code: return true', 'file: lib/rhymes.js');
  const root = makeRoot({ 'rhymes.yaml': text, 'lib/rhymes.js': 'return 1;' });
  const codeOf = async () => {
    const [cell] = (await loadOperators(root)).operators.get('RHYMES')!.cascade.cells;
    return cell?.kind === 'js' ? cell.code : undefined;
  };
  assert.is(await codeOf(), 'return 1;');
  put(root, 'lib/rhymes.js', 'return 2;');
  assert.is(await codeOf(), 'return 2;');
});

test('loads that come at once give the same operators', async () => {
  const root = makeRoot({ 'rhymes.yaml': operatorFile() });
  const loaded = await Promise.all(Array.from({ length: 5 }, () => loadOperators(root)));
  assert.ok(loaded.every(({ operators }) => operators.get('RHYMES')?.name === 'RHYMES'));
});

test('more files than the bound, and a root that is not there', async () => {
  const names = Array.from(
    { length: OPERATOR_MAX_FILES + 1 },
    (_, i) => [`f${i}.yaml`, ''] as const,
  );
  const root = makeRoot(Object.fromEntries(names));
  await loadOperators(root).then(
    () => assert.unreachable(),
    (thrown: RvbbitError) => {
      assert.is(thrown.code, 'RVB_LIMIT');
      assert.match(thrown.message, /has 501 files, and 500 is the limit/);
    },
  );
  assert.is((await loadOperators(`${root}/nowhere`)).operators.get('MEANS')?.source, 'built-in');
});

test('a call of a broken file is told what is wrong with it, under each of its names', async () => {
  const { byFunction } = await load({
    'rhymes.yaml': operatorFile({ operators: undefined, returns: 'NOTHING' }),
    'likes.yaml': operatorFile({
      name: 'LIKES',
      operators: '["LOVES({text})", "{text} LIKES {other}"]',
    }),
    'notes.yaml': 'cells: [',
  });
  for (const name of ['rhymes', 'semantic_rhymes', 'loves', 'semantic_loves', 'notes']) {
    assert.throws(
      () => byFunction(name)!.args,
      /RVB_CASCADE_INVALID|has 1 problem|cannot|expected/i,
      name,
    );
  }
});

test.run();
