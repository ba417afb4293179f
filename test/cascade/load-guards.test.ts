/** `retry`, `takes` and `wards` in a cascade file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cascade } from '../../src/cascade/cascade.ts';
import { loadCascade, loadCascadeText } from '../../src/cascade/load-cascade.ts';
import { RvbbitError } from '../../src/errors.ts';

const root = mkdtempSync(join(tmpdir(), 'rvbbit-guards-'));
test.after(() => rmSync(root, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(root, name), text);
const load = (text: string): Promise<Cascade> => loadCascadeText(text, { file: 'x.yaml', root });

/** The problems of a file, each as `line:column message`. */
async function problems(text: string): Promise<readonly string[]> {
  try {
    await load(text);
  } catch (error) {
    if (!(error instanceof RvbbitError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^x\.yaml:/, ''));
  }
  throw new Error(`accepted: ${text}`);
}

test('takes, wards and retry load as plain data that survives a clone', async () => {
  write('judge.yaml', 'cells: [{ name: j, instructions: "{{ input.takes }}", model: m2 }]');
  const cascade = await load(`cells:
  - name: a
    instructions: x
    retry: { max_attempts: 4, backoff: exponential, base: 250ms }
    takes: { factor: 3, reduce: evaluator, evaluator: { cascade: judge.yaml, timeout: 5s } }
    wards:
      pre: [{ sql: "SELECT {{ input.n }} > 0", mode: advisory }]
      post:
        - { name: mine, mode: retry, max_attempts: 5, timeout: 2, js: return output }
        - js: |
            return true
  - { name: b, instructions: y, takes: { factor: 2 } }
  - { name: c, instructions: y, takes: { factor: 2, reduce: evaluator, evaluator: { instructions: "{{ takes }}", model: m3, seed: 1 } } }
`);
  const [a, b, c] = cascade.cells;
  assert.equal(a!.retry, { maxAttempts: 4, backoff: 'exponential', baseMs: 250 });
  assert.equal(a!.takes, {
    factor: 3,
    reduce: 'evaluator',
    evaluator: { kind: 'cascade', cascade: 'judge.yaml', timeoutMs: 5_000 },
  });
  assert.equal(a!.wards, {
    pre: [{ name: 'pre[0]', mode: 'advisory', kind: 'sql', query: 'SELECT {{ input.n }} > 0' }],
    post: [
      {
        name: 'mine',
        mode: 'retry',
        maxAttempts: 5,
        timeoutMs: 2_000,
        kind: 'js',
        code: 'return output',
        source: 'x.yaml',
        firstLine: 9,
      },
      {
        name: 'post[1]',
        mode: 'blocking',
        kind: 'js',
        code: 'return true\n',
        source: 'x.yaml',
        firstLine: 11,
      },
    ],
  });
  assert.equal(b!.takes, { factor: 2, reduce: 'vote' });
  assert.equal(c!.takes!.evaluator, {
    kind: 'instructions',
    instructions: '{{ takes }}',
    model: 'm3',
    parameters: { seed: 1 },
  });
  assert.equal(Object.keys(cascade.nested), ['judge.yaml']);
  assert.equal(structuredClone(cascade), cascade);
  assert.is(a!.unsupported, undefined);
});

test('every mistake is named with line and column', async () => {
  assert.equal(
    await problems(`cells:
  - name: a
    instructions: x
    takes: { factr: 3, factor: 0, evaluator: { instrctions: x } }
    wards:
      pots: []
      post: [{ nam: x, mod: retry, js: return 1 }, { mode: blockng, sql: SELECT 1 }]
`),
    [
      '4:14 unknown key factr in cells[0].takes; did you mean factor?',
      '4:32 cells[0].takes.factor: Too small: expected number to be >=1',
      '4:48 unknown key instrctions in cells[0].takes.evaluator; did you mean instructions?',
      '6:7 unknown key pots in cells[0].wards; did you mean post?',
      '7:16 unknown key nam in cells[0].wards.post[0]; did you mean name?',
      '7:24 unknown key mod in cells[0].wards.post[0]; did you mean mode?',
      '7:60 cells[0].wards.post[1].mode: Invalid option: expected one of "blocking"|"retry"|"advisory"',
    ],
  );
  const one = async (keys: string, kind = 'instructions: x'): Promise<string> =>
    (await problems(`cells: [{ name: a, ${kind}, ${keys} }]`)).join('\n');
  const js = 'tool: js, inputs: { code: return 1 }';
  const mistakes: readonly (readonly [keys: string, message: RegExp, kind?: string])[] = [
    ['takes: { factor: 101 }', /factor: Too big/],
    ['takes: { factor: 2, reduce: most }', /"vote"\|"median"\|"first_valid"\|"evaluator"/],
    ['takes: { factor: 2 }', /^1:\d+ a js cell gives the same each time; takes belongs/, js],
    [
      'takes: { factor: 2 }',
      /a sql_data cell gives the same/,
      'tool: sql_data, inputs: { query: SELECT 1 }',
    ],
    ['takes: { factor: 2, reduce: evaluator }', /needs an evaluator with/],
    [
      'takes: { factor: 2, evaluator: { cascade: j.yaml } }',
      /belongs to reduce: evaluator, not vote/,
    ],
    [
      'takes: { factor: 2, reduce: evaluator, evaluator: {} }',
      /exactly one of instructions and cas/,
    ],
    [
      'takes: { factor: 2, reduce: evaluator, evaluator: { instructions: best } }',
      /the model does not see the takes/,
    ],
    [
      'takes: { factor: 2, reduce: evaluator, evaluator: { instructions: "{{ takes" } }',
      /not a template/,
    ],
    [
      'takes: { factor: 2, reduce: evaluator, evaluator: { cascade: judge.yaml, seed: 1 } }',
      /seed belongs to an evaluator with instructions/,
    ],
    ['wards: { pre: [{ mode: retry, js: return 1 }] }', /mode: retry belongs to wards\.post/],
    ['wards: { post: [{ max_attempts: 2, js: return 1 }] }', /max_attempts belongs to mode: retry/],
    ['wards: { post: [{ name: w }] }', /exactly one of js, sql and cascade/],
    ['wards: { post: [{ js: return 1, sql: SELECT 1 }] }', /exactly one of js, sql and cascade/],
    ['wards: { post: [{ js: "return (" }] }', /not JavaScript: /],
    ['wards: { post: [{ js: "const output = 1" }] }', /not JavaScript: .*output/],
    ['wards: { post: [{ sql: "SELECT $1" }] }', /the parameter \$1 in the query text/],
    ['wards: { pre: [{ sql: "SELECT {{ output }}" }] }', /before the cell there is no output/],
    ['wards: { post: [{ cascade: nosuch.yaml }] }', /there is no cascade 'nosuch\.yaml'/],
    [
      'wards: { post: [{ cascade: jugde }] }',
      /no cascade 'jugde\.yaml' or 'jugde\.yml' .*did you mean 'judge'/,
    ],
    ['wards: { post: [{ cascade: ../judge.yaml }] }', /judge\.yaml/],
    ['wards: { post: [{ cascade: x.yaml }] }', /in a circle: x\.yaml → x\.yaml/],
    ['wards: { pre: [{ cascade: needs.yaml }] }', /needs\.yaml requires the input output; here it/],
  ];
  write(
    'needs.yaml',
    'inputs_schema: { input: x, output: x }\ncells: [{ name: a, instructions: x }]',
  );
  for (const [keys, message, kind] of mistakes) assert.match(await one(keys, kind), message, keys);
});

test('a value in quotes in a SQL ward is RVB_TEMPLATE_QUOTED with its place', async () => {
  const text = `cells:
  - name: a
    instructions: x
    wards:
      post:
        - sql: SELECT '{{ output }}' = 'x'
`;
  const error = (await load(text).catch((thrown: unknown) => thrown)) as RvbbitError;
  assert.is(error.code, 'RVB_TEMPLATE_QUOTED');
  assert.equal(error.place, { file: 'x.yaml', line: 6, column: 16 });
});

test('cascades of wards and evaluators count in the hash', async () => {
  for (const keys of [
    'wards: { post: [{ cascade: part.yaml }] }',
    'takes: { factor: 2, reduce: evaluator, evaluator: { cascade: part.yaml } }',
  ]) {
    write('part.yaml', 'cells: [{ name: j, tool: js, inputs: { code: return 1 } }]');
    write('whole.yaml', `cells: [{ name: a, instructions: x, ${keys} }]`);
    const before = (await loadCascade(root, 'whole.yaml')).hash;
    write('part.yaml', 'cells: [{ name: j, tool: js, inputs: { code: return 2 } }]');
    assert.is.not((await loadCascade(root, 'whole.yaml')).hash, before);
  }
});

test('the columns that wards and evaluators read are columns of the cascade', async () => {
  write('reads.yaml', 'cells: [{ name: j, instructions: "{{ input.input.x }}" }]');
  write('blind.yaml', 'cells: [{ name: j, instructions: "{{ input.output }}" }]');
  const columns = async (keys: string): Promise<Cascade['inputColumns']> =>
    (await load(`cells: [{ name: a, instructions: "{{ input.a }}", ${keys} }]`)).inputColumns;
  assert.equal(await columns('wards: { post: [{ sql: "SELECT {{ input.b }}" }] }'), ['a', 'b']);
  assert.equal(await columns('wards: { post: [{ js: return true }] }'), 'all');
  assert.equal(await columns('wards: { pre: [{ cascade: reads.yaml }] }'), 'all');
  assert.equal(await columns('wards: { post: [{ cascade: blind.yaml }] }'), ['a']);
  const evaluator = (of: string): string =>
    `takes: { factor: 2, reduce: evaluator, evaluator: { ${of} } }`;
  assert.equal(
    await columns(evaluator('instructions: "{{ takes }} {{ input.c }}", system: "{{ input.d }}"')),
    ['a', 'c', 'd'],
  );
  assert.equal(await columns(evaluator('cascade: reads.yaml')), 'all');
});

test.run();
