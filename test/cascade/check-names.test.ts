import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FILTERS, FUNCTIONS, isKnownToJinja, TESTS } from '../../src/cascade/jinja-host.ts';
import { loadCascade, loadCascadeText } from '../../src/cascade/load-cascade.ts';

const root = mkdtempSync(join(tmpdir(), 'rvbbit-names-'));
test.after(() => rmSync(root, { recursive: true }));

function write(name: string, text: string): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
}

/** The problems of a file, each as `line:column message`; none where it loads. */
async function problems(text: string): Promise<readonly string[]> {
  try {
    await loadCascadeText(text, { file: 'x.yaml', root });
    return [];
  } catch (error) {
    const [, ...lines] = (error as Error).message.split('\n');
    return lines.map((line) => line.replace(/^x\.yaml:/, ''));
  }
}

/** What is wrong with one template of a cell that asks a model, after a cell `rows` and one that answers. */
async function ofTemplate(template: string, isOpen = false): Promise<string> {
  const found = await problems(`${isOpen ? '' : 'inputs_schema: { name: x, price: x }'}
cells:
  - { name: rows, tool: sql_data, inputs: { query: SELECT 1 AS n }, set: { tries: 1 } }
  - name: answer
    instructions: x
    output_schema:
      type: object
      properties: { brand: { type: string }, parts: { items: { properties: { size: {} } } } }
  - name: last
    instructions: ${JSON.stringify(template)}
`);
  return found.map((problem) => problem.replace(/^10:\d+ /, '')).join('\n');
}

test('a name that no run has is an error with the nearest spelling', async () => {
  const wrong: readonly (readonly [template: string, message: string])[] = [
    ['{{ inputs.name }}', 'unknown name inputs; did you mean input?'],
    ['{{ name }}', 'unknown name name; did you mean input.name?'],
    ['{{ answer.brand }}', 'unknown name answer; did you mean outputs.answer?'],
    ['{{ tries }}', 'unknown name tries; did you mean state.tries?'],
    ['{{ whatever }}', 'unknown name whatever; there are input, outputs, state'],
    [
      '{{ input.nmae }}',
      'unknown name input.nmae, which inputs_schema does not declare; did you mean input.name?',
    ],
    [
      "{{ input['zzz'] }}",
      'unknown name input.zzz, which inputs_schema does not declare; there is input.name, input.price',
    ],
    ['{{ outputs.anwser }}', 'unknown name outputs.anwser; did you mean outputs.answer?'],
    [
      '{{ state.tires + 1 }}',
      'unknown name state.tires, which no cell sets; did you mean state.tries?',
    ],
    [
      '{{ outputs.answer.brnd }}',
      "unknown name outputs.answer.brnd, which the cell's output_schema does not declare; did you mean outputs.answer.brand?",
    ],
    [
      '{{ outputs.answer.parts[0].sise }}',
      "unknown name outputs.answer.parts[…].sise, which the cell's output_schema does not declare; did you mean outputs.answer.parts[…].size?",
    ],
    [
      '{{ outputs.rows.rwos[0].n }}',
      'unknown name outputs.rows.rwos, which a query does not give; did you mean outputs.rows.rows?',
    ],
    ['{{ input.name | uper }}', 'unknown filter uper; did you mean upper?'],
    ['{{ input.name | ident }}', 'the filter ident belongs to a query'],
    ['{% if input.name is defned %}{% endif %}', 'unknown test defned; did you mean defined?'],
    ['{% if input.name is not nonee %}{% endif %}', 'unknown test nonee; did you mean none?'],
    ['{{ rnage(3) }}', 'unknown name rnage; did you mean range?'],
    [
      '{{ input.name.upper() }}',
      'values have no methods, and upper() is none; write it as a filter: … | upper',
    ],
    [
      '{% for x in input.name %}{{ y }}{% endfor %}',
      'unknown name y; there are input, outputs, state',
    ],
    [
      '{% for x in [1] %}{{ loop.indx }}{% endfor %}',
      'unknown name loop.indx; did you mean loop.index?',
    ],
    ['{% for x in [1] %}{% endfor %}{{ loop.index }}', 'unknown name loop'],
    ['{% set total = 1 %}{{ totl }}', 'unknown name totl; did you mean total?'],
    ['{% filter uper %}x{% endfilter %}', 'unknown filter uper; did you mean upper?'],
    ['{% macro m(a) %}{{ a }}{% endmacro %}{{ n(1) }}', 'unknown name n'],
    ['{{ {"a": nmae} }}', 'unknown name nmae'],
  ];
  for (const [template, message] of wrong) {
    const found = await ofTemplate(template);
    assert.ok(found.startsWith(message), `${template}: ${found}`);
    assert.not.match(found, '\n', template);
  }
  assert.is(
    await ofTemplate('{{ brand_name }}', true),
    'unknown name brand_name; did you mean input.brand_name?',
  );
});

test('default and is defined make a column optional, and nothing that never comes', async () => {
  assert.is(await ofTemplate("{{ input.note | default('') }}", true), '');
  for (const never of ['outputs.anwser', 'state.tires', 'input.nmae', 'inptu']) {
    assert.match(await ofTemplate(`{{ ${never} | default('') }}`), `unknown name ${never}`);
    assert.match(await ofTemplate(`{{ ${never} is defined }}`), `unknown name ${never}`);
  }
});

test('names that a template declares, and all that Jinja has, are known', async () => {
  const right = [
    '{{ input.name }} {{ input["price"] }} {{ input }} {{ outputs }} {{ state | tojson }}',
    '{{ outputs.rows.rows[0].anything.at_all }} {{ outputs.rows.row_count }} {{ outputs.last }}',
    '{{ outputs.answer.parts[0].size }} {{ outputs[input.name].anything }}',
    '{% for k, v in input | items %}{{ loop.index0 }}{{ k }}={{ v.any }}{% else %}none{% endfor %}',
    '{% for (k, v) in input | items if k != "a" %}{{ v }}{% endfor %}',
    '{% for x in [[1]] recursive %}{{ loop(x) }}{{ loop.cycle(1, 2) }}{% endfor %}',
    '{% set a = input.name %}{{ a }}{% set (b, c) = [1, 2] %}{{ b + c }}',
    '{% set block | upper %}text{% endset %}{{ block }}',
    '{% set ns = namespace(n=0) %}{% for x in [1] %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}',
    '{% with a = 1, b = a %}{{ b }}{% endwith %}',
    '{% macro m(a, b=1) %}{{ a }}{{ b }}{{ later }}{{ caller() }}{% endmacro %}{% set later = 1 %}{% call m(2) %}x{% endcall %}',
    '{% if input.name is divisibleby 3 and input.price is not none %}{{ range(3) | join(", ") }}{% endif %}',
    '{% if input.name %}{% set seen = 1 %}{% endif %}{{ seen }}',
    '{% raw %}{{ nothing.here }}{% endraw %}{# {{ nor.here }} #} text.with.words',
    '{{ "inptu.name" ~ \'{{ nmae }}\' }} {{ dict(a=1).a }} {{ input.name | replace("a", "b") | tojson(indent=2) }}',
    '{% set c = cycler([1, 2]) %}{{ c.next() }}{% block part %}x{% endblock %}{{ self.part() }}',
  ];
  for (const template of right) assert.is(await ofTemplate(template), '', template);
});

test('every template and expression of a file is looked at, and the place is that of the word', async () => {
  write('inner.yaml', 'cells: [{ name: a, instructions: "{{ input.x }}" }]');
  assert.equal(
    await problems(
      `inputs_schema: { x: x }
cells:
  - name: ask
    when: inptu.x
    system: 'It''s {{ systm }}'
    instructions: >-
      Folded, and
      long {{ input.x }} and {{ input.y }}

      {{ folded }}
    set: { k: outputs.ask + oputs.ask }
    takes:
      factor: 2
      reduce: evaluator
      evaluator: { instructions: "\\t{{ takes }}\\n{{ takse }}", system: "{{ output }}" }
    wards:
      pre: [{ sql: "SELECT {{ inpt.x }}" }]
      post:
        - sql: |
            SELECT {{ output }}
            WHERE {{ ouptut }}
  - { name: rows, tool: sql_data, inputs: { query: "SELECT {{ (stae) | ident }}" } }
  - name: inner
    tool: inner.yaml
    inputs: { x: { deep: ["{{ nmae }} and {{ outputs.asx }}"] } }
output: [1
`.replace('[1\n', 'outputs.innr\n'),
    ),
    [
      '4:11 unknown name inptu; did you mean input?',
      '5:23 unknown name systm; there are input, outputs, state',
      '8:39 unknown name input.y, which inputs_schema does not declare; there is input.x',
      '10:10 unknown name folded; there are input, outputs, state',
      '11:29 unknown name oputs; did you mean outputs?',
      '15:53 unknown name takse; did you mean takes?',
      '15:76 unknown name output; did you mean outputs?',
      '17:31 unknown name inpt; did you mean input?',
      '21:22 unknown name ouptut; did you mean output?',
      '22:64 unknown name stae; did you mean state?',
      '25:31 unknown name nmae; there are input, outputs, state',
      '25:54 unknown name outputs.asx; did you mean outputs.ask?',
      '26:17 unknown name outputs.innr; did you mean outputs.inner?',
    ],
  );
});

test('a nested cascade is held against the inputs that it gets', async () => {
  write(
    'reads.yaml',
    'cells: [{ name: a, instructions: "{{ input.net }} {{ input.tax | default(0) }}" }]',
  );
  write('needs.yaml', 'inputs_schema: { net: x }\ncells: [{ name: a, instructions: x }]');
  const nested = (keys: string, schema = ''): Promise<readonly string[]> =>
    problems(`${schema}\ncells: [{ name: a, ${keys} }]`);
  assert.equal(await nested('tool: reads.yaml, inputs: { net: 1 }'), []);
  assert.equal(await nested('tool: reads.yaml, inputs: { nett: 1 }'), [
    '2:26 reads.yaml reads input.net; here it gets nett; did you mean nett?',
  ]);
  assert.equal(await nested('tool: needs.yaml, inputs: {}'), [
    '2:26 needs.yaml requires the input net; here it gets none',
  ]);
  assert.equal(await nested('tool: reads.yaml', 'inputs_schema: { nte: x }'), [
    'reads.yaml:1:44 unknown name input.net, which inputs_schema does not declare; did you mean input.nte? (x.yaml hands its input on)',
  ]);
  assert.equal(await nested('instructions: x, wards: { post: [{ cascade: reads.yaml }] }'), [
    '2:64 reads.yaml reads input.net; here it gets input, outputs, state, output',
  ]);
  write('hands-on.yaml', 'cells: [{ name: a, tool: reads }]');
  const { inputReads } = await loadCascade(root, 'hands-on');
  const place = { file: 'reads.yaml', line: 1, column: 44 };
  assert.equal(inputReads[0], { name: 'net', place, isOptional: false });
});

test('an input that only a RUN has is left to the bind', async () => {
  const text = (name: string): string =>
    `inputs_schema: { x: x }\ncells: [{ name: a, instructions: "{{ input.${name} }}" }]`;
  const cascade = await loadCascadeText(text('row_count'), { root });
  assert.equal(
    cascade.inputReads.map(({ name }) => name),
    ['row_count'],
  );
  assert.match((await problems(text('rowcount'))).join(), /unknown name input\.rowcount/);
});

test('a text that lacks its quotes is called that, with its line', async () => {
  const ofValue = async (value: string): Promise<string> =>
    (await problems(`cells:\n  - name: a\n    instructions: ${value}\n`)).join('\n');
  const opens = (opener: string, at = '3:19'): string =>
    `${at} a text that begins with ${opener} is no text to YAML; put it in quotes, or under |`;
  for (const value of [
    '{{ input.x }}',
    '{{ input.x }} and more, {{ input.y }}',
    '{{ input["x"] }} | b',
    '{{ x }} & b',
    '{{ x }} > 5',
    "{{ x | default('a') }} 'b' c",
    '{{ input.x',
  ]) {
    assert.is(await ofValue(value), opens('{{'), value);
  }
  assert.is(await ofValue('{% if input.x %}y{% endif %}'), opens('{%'));
  assert.is(await ofValue('\n      {{ input.x }}'), opens('{{', '4:7'));
  assert.is(await ofValue('x\n    inputs: { a: [1, {{ b }}] }'), opens('{{', '4:22'));
  const colon = (key: string): string =>
    `3:19 "${key}: " makes a key of a text; put the text in quotes, or under |`;
  assert.is(await ofValue('Answer: yes or no'), colon('Answer'));
  assert.is(
    await ofValue('Brand of {{ input.name }}: one word'),
    colon('Brand of {{ input.name }}'),
  );
  assert.is(
    await ofValue('x\n      system: y'),
    `${colon('system')}. A key is indented like the one before it`,
  );
  assert.equal(await problems('cells: [{ name: a, instructions: say: this }]'), [
    '1:34 "say: " makes a key of a text; put the text in quotes, or under |',
  ]);
});

test('the words that are offered are words of Jinja', () => {
  for (const name of FILTERS) assert.ok(isKnownToJinja('filter', name), name);
  for (const name of TESTS) assert.ok(isKnownToJinja('test', name), name);
  for (const name of FUNCTIONS) assert.ok(isKnownToJinja('function', name), name);
  for (const kind of ['filter', 'test', 'function'] as const) {
    for (const name of ['nothing', '_bind', '_from_json', '__proto__', 'constructor']) {
      assert.not.ok(isKnownToJinja(kind, name), name);
    }
  }
});

test.run();
