import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cascade } from '../../src/cascade/cascade.ts';
import { loadCascade, loadCascadeText } from '../../src/cascade/load-cascade.ts';
import { cascadeSchemaText } from '../../src/cascade/write-schema.ts';
import { RvbbitError } from '../../src/errors.ts';
import { compileCascade } from '../../src/run/compile-cascade.ts';
import type { CascadeCellProgram, CascadeProgram } from '../../src/run/program.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { randomFrom } from './hostile-yaml.ts';

const root = mkdtempSync(join(tmpdir(), 'rvbbit-load-'));
test.after(() => rmSync(root, { recursive: true }));

async function errorOf(text: string): Promise<RvbbitError> {
  try {
    await loadCascadeText(text, { file: 'x.yaml', root });
  } catch (error) {
    if (error instanceof RvbbitError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

/** The problems of a file, each as `line:column message`. */
async function problems(text: string): Promise<readonly string[]> {
  const error = await errorOf(text);
  assert.is(error.code, 'RVB_CASCADE_INVALID', error.message);
  return error.message
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^x\.yaml:/, ''));
}

const JS = 'tool: js, inputs: { code: return 1 }';

test('the example of the contract loads', async () => {
  const cascade = await loadCascadeText(`cascade_id: extract_brand
inputs_schema: { type: object, required: [name], properties: { name: { type: string } } }
cells:
  - name: ask
    model: openai/gpt-4o-mini
    instructions: "Brand of {{ input.name }}? Answer as JSON."
    output_schema: { type: object, required: [brand], properties: { brand: { type: string } } }
output: outputs.ask.brand
test_cases: [{ input: { name: "Sony WH-1000XM5" }, expect: Sony }]
`);
  assert.is(cascade.cascadeId, 'extract_brand');
  assert.equal(cascade.inputColumns, ['name']);
  assert.equal(cascade.requiredInputs, ['name']);
  assert.equal(cascade.testCases, [{ input: { name: 'Sony WH-1000XM5' }, expect: 'Sony' }]);
  assert.is(cascade.cells[0]!.unsupported, undefined);
  assert.is(structuredClone(cascade).hash, cascade.hash);
});

test('the first example of docs/cascades.md loads', async () => {
  const text = /```yaml\n(.*?)```/s.exec(readFileSync('docs/cascades.md', 'utf8'))![1]!;
  const cascade = await loadCascadeText(text, { root });
  assert.equal(cascade.requiredInputs, ['name']);
  assert.equal(cascade.inputColumns, ['name', 'lang']);
});

test('every problem is reported with line, column and the nearest spelling', async () => {
  assert.equal(
    await problems(`cascade_id: a
modle: x
cells:
  - name: a
    instrctions: hi
    retry: { bse: 3 }
  - nme: b
    timeout: fast
    takes: { factor: many }
`),
    [
      '2:1 unknown key modle; did you mean model?',
      '5:5 unknown key instrctions in cells[0]; did you mean instructions?',
      '6:14 unknown key bse in cells[0].retry; did you mean base?',
      '7:5 cells[1].name is missing',
      '7:5 unknown key nme in cells[1]; did you mean name?',
      '8:14 cells[1].timeout: expected a duration such as 500ms, 30s or 5m, or seconds',
      '9:22 cells[1].takes.factor: expected number, received string',
    ],
  );
  assert.equal(
    await problems(`cells:
  - name: a
    when: outpts.b
    instructions: 'hi {{ input.x '
    routing: { x: bb }
  - { name: a, tool: sql, set: { n: 'outputs.c + 1' } }
output: '{{ x }}'
`),
    [
      '3:11 unknown name outpts; did you mean outputs?',
      '4:19 not a template: unexpected end of input, expected end of variable block',
      '5:19 routing to cell bb, which is not there',
      '6:13 duplicate cell name a',
      "6:22 unknown tool sql; expected sql_data, js, lookup or another cascade's path",
      '6:46 unknown name outputs.c; there is outputs.a',
      '7:9 not an expression: write the expression without braces',
    ],
  );
});

test('each kind of mistake is named', async () => {
  const mistakes: readonly (readonly [string, RegExp])[] = [
    ['', /^1:1 the file: expected object/],
    ['cells: []', /cells: expected at least one cell/],
    ['cascade_id: a', /cells is missing/],
    [`cells: [${`{ name: a, ${JS} },`.repeat(201)}]`, /more than 200 cells/],
    ['cells: [{ name: a }]', /exactly one of instructions, tool and for_each_row/],
    [
      `cells: [{ name: a, instructions: x, ${JS} }]`,
      /exactly one of instructions, tool and for_each_row/,
    ],
    [`cells: [{ name: a-b, ${JS} }]`, /cells\[0\]\.name: expected a name/],
    [`cells: [{ name: a, ${JS}, model: x }]`, /model belongs to a cell with instructions/],
    [`cells: [{ name: a, ${JS}, materialize: t }]`, /materialize belongs to/],
    ['cells: [{ name: a, tool: js }]', /needs inputs\.code or inputs\.file/],
    ['cells: [{ name: a, tool: js, inputs: { code: "return (" } }]', /not JavaScript: /],
    [
      'cells: [{ name: a, tool: js, inputs: { code: return 1, fil: x } }]',
      /unknown key fil in inputs; did you mean file/,
    ],
    ['cells: [{ name: a, tool: js, inputs: { file: no.js } }]', /there is no file 'no\.js'/],
    ['cells: [{ name: a, tool: sql_data }]', /expected inputs\.query/],
    [
      'cells: [{ name: a, tool: sql_data, inputs: { query: SELECT 1, materialize: t } }]',
      /stands beside inputs/,
    ],
    [
      'cells: [{ name: a, tool: sql_data, inputs: { query: "SELECT $1" } }]',
      /the parameter \$1 in the query text/,
    ],
    [`cells: [{ name: a, ${JS}, output_schema: { type: strin } }]`, /not a JSON Schema/],
    [`cells: [{ name: a, ${JS}, when: "1 +" }]`, /not an expression: /],
    [`cells: [{ name: a, ${JS}, when: "a) }} {{ (b" }]`, /not one expression/],
    [`cells: [{ name: a, ${JS}, on_error: skip }]`, /expected 'fail' or 'null'/],
    ['cells: [{ name: a, instructions: "{% include \'x\' %}" }]', /include %} is not available/],
    [`inputs_schema: { a: 3 }\ncells: [{ name: a, ${JS} }]`, /expected a description/],
    [`cells: [{ name: a, ${JS} }]\nsql_function: { name: a b }`, /sql_function\.name/],
    [`cells: [{ name: a, ${JS} }]\nsql_function: { name: a, shap: SCALAR }`, /did you mean shape/],
    [
      `cells: [{ name: a, ${JS} }]\ntest_cases: [{ expect: 1 }]`,
      /test_cases\[0\]\.input is missing/,
    ],
  ];
  for (const [text, pattern] of mistakes) {
    assert.ok(
      (await problems(text)).some((line) => pattern.test(line)),
      `${text}: ${(await errorOf(text)).message}`,
    );
  }
});

test('a mistake in JavaScript is told with its own line, of the cascade or of the code file', async () => {
  const cell = 'tool: js\n    inputs:\n      code: |';
  const ward = 'instructions: x\n    wards:\n      post:\n        - js: |';
  const at = async (code: string, before = cell): Promise<string> => {
    const block = code.replace(/^/gm, '            ');
    return (await problems(`cells:\n  - name: a\n    ${before}\n${block}\n`)).join('\n');
  };
  assert.is(
    await at('const a = 1\nconst b = ;\nreturn a'),
    "5:13 not JavaScript: Unexpected token ';' (x.yaml:7)",
  );
  assert.match(await at('if (input.a) {\n  return 1\n'), /not JavaScript: .* \(x\.yaml:7\)$/);
  assert.match(await at('await 0\n\n\nvar class'), /'class' \(x\.yaml:9\)$/);
  assert.match(await at('let a\nlet output', ward), /'output' has already.* \(x\.yaml:8\)$/);
  const dynamic = /import\(\) is not there for a cell's code; .*getBuiltinModule.* \(x\.yaml:7\)$/;
  assert.match(await at('// import()\nreturn await import("node:fs")'), dynamic);
  assert.match(await at('const x = "import("\nreturn `${import /* now */ ("a")}`'), dynamic);
  writeFileSync(join(root, 'broken.js'), 'const a = 1\nreturn a +* 2\n');
  assert.match(
    (await problems('cells: [{ name: a, tool: js, inputs: { file: broken.js } }]')).join(),
    /not JavaScript: Unexpected token '\*' \(broken\.js:2\)$/,
  );
  const fine =
    '// import(x)\nconst o = { import() {}, $import: 1 }; return `import( ${o.import()}` + /import(1)/.source';
  await loadCascadeText(
    `cells: [{ name: a, tool: js, inputs: { code: ${JSON.stringify(fine)} } }]`,
  );
});

test('a value in quotes is RVB_TEMPLATE_QUOTED with its place', async () => {
  const error = await errorOf(`cells:
  - name: a
    tool: sql_data
    inputs: { query: "SELECT '{{ input.x }}'" }`);
  assert.is(error.code, 'RVB_TEMPLATE_QUOTED');
  assert.match(error.message, 'remove the quotes');
  assert.equal(error.place, { file: 'x.yaml', line: 4, column: 22 });
});

test('the columns that a cascade reads are declared, or found in its templates', async () => {
  const columns = async (text: string): Promise<Cascade['inputColumns']> =>
    (await loadCascadeText(text, { root })).inputColumns;
  const sql = (query: string): string =>
    `cells: [{ name: a, tool: sql_data, inputs: { query: ${JSON.stringify(query)} } }]`;
  assert.equal(
    await columns(sql("SELECT {{ input.a }}, {{ input['b c'] }}, {{ outputs.a.rows }}")),
    ['a', 'b c'],
  );
  assert.equal(await columns(sql('SELECT {{ input | tojson }}')), 'all');
  assert.equal(await columns(sql('SELECT {{ input[outputs.a] }}')), 'all');
  assert.equal(await columns(sql('SELECT 1{% for k in input %} {% endfor %}')), 'all');
  assert.equal(await columns(`cells: [{ name: a, ${JS} }]`), 'all');
  assert.equal(await columns(`inputs_schema: { a: x }\ncells: [{ name: a, ${JS} }]`), ['a']);
  assert.equal(
    await columns(
      `cells: [{ name: a, instructions: "{{ input.x }}", when: input.y, set: { k: input.z } }]\noutput: input.w`,
    ),
    ['y', 'x', 'z', 'w'],
  );
});

test('a schema that takes inputs which it does not name leaves the columns to what is read', async () => {
  const columns = async (schema: string, cell: string): Promise<Cascade['inputColumns']> =>
    (await loadCascadeText(`inputs_schema: ${schema}\ncells: [{ name: a, ${cell} }]`)).inputColumns;
  const reads = 'instructions: "{{ input.x }}"';
  const open = [
    '{ type: object }',
    '{ type: object, additionalProperties: true }',
    "{ $ref: '#/$defs/in', $defs: { in: { type: object, properties: { x: {} } } } }",
    '{ type: object, allOf: [{ properties: { x: {} } }] }',
    '{ type: object, patternProperties: { x: {} } }',
  ];
  for (const schema of open) {
    assert.is(await columns(schema, JS), 'all', schema);
    assert.equal(await columns(schema, reads), ['x'], schema);
  }
  const both = '{ type: object, properties: { y: {} }, additionalProperties: { type: string } }';
  assert.is(await columns(both, JS), 'all');
  assert.equal(await columns(both, reads), ['y', 'x']);
  const closed = '{ type: object, properties: { y: {} } }';
  assert.equal(await columns(closed, JS), ['y']);
  assert.equal(await columns('{ type: object, additionalProperties: false }', JS), []);
});

test('the short form of inputs_schema requires each input that does not say (optional)', async () => {
  const cascade = await loadCascadeText(`inputs_schema: { name: the name, type: "kind (optional)" }
cells: [{ name: a, ${JS} }]`);
  assert.equal(cascade.requiredInputs, ['name']);
  assert.equal(cascade.inputColumns, ['name', 'type']);
});

test('nested cascades and code files load, and count in the hash', async () => {
  mkdirSync(join(root, 'lib'), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(root, name), text);
  write('lib/inner.yaml', `cells: [{ name: b, tool: js, inputs: { file: lib/inner.js } }]`);
  write('lib/inner.js', 'return input.n * 2');
  write(
    'outer.yaml',
    'cells: [{ name: a, tool: lib/inner.yaml, inputs: { n: "{{ input.x }}" } }, { name: c, tool: lib/inner.yaml }]',
  );
  const first = await loadCascade(root, 'outer.yaml');
  assert.equal(Object.keys(first.nested), ['lib/inner.yaml']);
  assert.is(first.inputColumns, 'all');
  write('lib/inner.js', 'return input.n * 3');
  assert.is.not((await loadCascade(root, 'outer.yaml')).hash, first.hash);
  write('outer.yaml', 'cells: [{ name: a, tool: lib/inner.yaml, inputs: { n: "{{ input.x }}" } }]');
  assert.equal((await loadCascade(root, 'outer.yaml')).inputColumns, ['x']);
});

test('a circle of cascades is named, and nesting has a bound', async () => {
  const write = (name: string, tool: string): void =>
    writeFileSync(join(root, name), `cells: [{ name: a, tool: ${tool} }]`);
  write('self.yaml', './self.yaml');
  write('one.yaml', 'two.yaml');
  write('two.yaml', 'three.yaml');
  write('three.yaml', 'one.yaml');
  for (let i = 0; i < 12; i++) write(`deep${i}.yaml`, `deep${i + 1}.yaml`);
  const message = async (name: string): Promise<string> =>
    loadCascade(root, name).then(
      () => '',
      (error: Error) => error.message,
    );
  assert.match(await message('self.yaml'), 'circle: self.yaml → self.yaml');
  assert.match(await message('one.yaml'), 'circle: one.yaml → two.yaml → three.yaml → one.yaml');
  assert.match(await message('deep0.yaml'), 'nested deeper than 8');
  assert.match(await message('two.yaml'), 'two.yaml:1:26');
  for (let i = 1; i < 12; i++) write(`step${i}.yaml`, i === 1 ? 'leaf.yaml' : `step${i - 1}.yaml`);
  writeFileSync(join(root, 'leaf.yaml'), `cells: [{ name: a, ${JS} }]`);
  const steps = Array.from({ length: 11 }, (_, i) => `{ name: c${i}, tool: step${i + 1}.yaml }`);
  writeFileSync(join(root, 'steps.yaml'), `cells: [${steps}]`);
  assert.match(await message('steps.yaml'), 'nested deeper than 8');
});

test('a cascade that many cells name is loaded, compiled and reported once', async () => {
  const levels = 7;
  const wide = (tool: string): string =>
    `cells: [${Array.from({ length: 15 }, (_, i) => `{ name: c${i}, tool: ${tool} }`)}]`;
  for (let i = 1; i < levels; i++)
    writeFileSync(join(root, `wide${i}.yaml`), wide(`wide${i + 1}.yaml`));
  writeFileSync(join(root, `wide${levels}.yaml`), `cells: [{ name: a, ${JS} }]`);
  let program: CascadeProgram | undefined = compileCascade(await loadCascade(root, 'wide1.yaml'));
  for (let i = 1; i < levels; i++) {
    const programs: readonly CascadeProgram[] = program!.cells.map(
      (cell) => (cell as CascadeCellProgram).program,
    );
    assert.is(new Set(programs).size, 1);
    program = programs[0];
  }
  writeFileSync(join(root, `wide${levels}.yaml`), 'cells: []');
  const error = await loadCascade(root, 'wide1.yaml').catch((reason: RvbbitError) => reason);
  assert.instance(error, RvbbitError);
  const { message } = error as RvbbitError;
  assert.is(message.split('expected at least one cell').length, 2);
  assert.match(message, /wide1\.yaml:1:\d+ cascade 'wide2\.yaml' has 15 problems$/m);
  assert.ok(message.length < 20_000, String(message.length));
});

test('a name that every object has is no cascade', async () => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    const wards = `wards: { pre: [{ cascade: ${name} }], post: [{ cascade: ${name} }] }`;
    const error = await errorOf(`cells: [{ name: a, ${JS}, ${wards} }]`);
    assert.is(error.code, 'RVB_CASCADE_NOT_FOUND', error.message);
  }
});

test('a keyword that no schema has is a warning with its place; what is only named so is none', async () => {
  const { warnings } = await loadCascadeText(
    `inputs_schema: { type: object, properties: { tpye: { title: a, x-unit: kg } }, $defs: { b: { minimun: 1 } } }
cells:
  - name: a
    tool: js
    inputs: { code: return 1 }
    output_schema: { requried: [a], default: { tpye: 1 }, anyOf: [{ items: { tpye: string } }] }`,
    { file: 'x.yaml' },
  );
  assert.equal(warnings, [
    "x.yaml:6:22 the schema's keyword requried is not known, and has no effect; did you mean required?",
    "x.yaml:6:78 the schema's keyword tpye is not known, and has no effect; did you mean type?",
    "x.yaml:1:94 the schema's keyword minimun is not known, and has no effect; did you mean minimum?",
  ]);
  const short = 'inputs_schema: { tpye: what it is }';
  const quiet = await loadCascadeText(`${short}\ncells: [{ name: a, ${JS} }]`);
  assert.equal(quiet.warnings, []);
});

test('a file of any shape is loaded or refused, never more', async () => {
  const next = randomFrom(seed);
  const values = [
    'x',
    '1',
    'true',
    '[]',
    '{}',
    'null',
    '[1, [2]]',
    '{ a: { b: 1 } }',
    '"{{ input.x }}"',
    'js',
    '"1 +"',
  ];
  const keys =
    'name instructions tool inputs materialize when set routing timeout on_error retry takes wards output_schema model cells output inputs_schema sql_function test_cases cascade_id bogus'.split(
      ' ',
    );
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const entries = (): string =>
    [...new Set(Array.from({ length: 1 + Math.floor(next() * 5) }, () => pick(keys)))]
      .map((key) => `${key}: ${pick(values)}`)
      .join(', ');
  const count = cases(80, 20_000);
  for (let i = 0; i < count; i++) {
    const text = `{ ${next() < 0.5 ? 'cells: [' : 'output: x, cells: [{ name: q, '}{ ${entries()} }]${next() < 0.5 ? '' : '}'} }`;
    const flow = `cells: [{ name: a, ${entries()} }, { ${entries()} }]`;
    for (const source of [text, flow]) {
      await loadCascadeText(source, { root }).catch((error: unknown) => {
        assert.instance(error, RvbbitError, `${source}: ${String(error)}`);
      });
    }
  }
  reportCases(2 * count, 'random files');
});

test('examples/cascade.schema.json is the schema of the code', () => {
  assert.is(readFileSync('examples/cascade.schema.json', 'utf8'), cascadeSchemaText());
});

test.run();
