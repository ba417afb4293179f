/** Takes and wards through the engine: real workers, a real DuckDB, and a model server. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import type { Rule } from '../../src/sim/script.ts';
import { startSimulator } from '../../src/testing.ts';
import { assertAddsUp } from './engine-support.ts';

const cascades = mkdtempSync(join(tmpdir(), 'rvbbit-guards-'));
const server = await startSimulator();
/** Each test asks in words of its own: an answer that one has bought is at hand in the next. */
const engine = await Engine.open({
  cascades,
  threads: 1,
  providers: { sim: { baseUrl: server.url, responseFormat: 'json_schema' } },
  model: 'sim/test-model',
});
test.before.each(() => script([]));
test.after(async () => {
  await engine.close();
  await server.close();
  rmSync(cascades, { recursive: true });
});

const write = (name: string, text: string): void => writeFileSync(join(cascades, name), text);

/** Each rule's answer is to the nth call of a content, counted from here. */
function script(rules: readonly Rule[]): void {
  server.script({ rules: [...rules] });
  server.reset();
}

function calls(): number {
  return server.ledger().totals.calls;
}

/** Answers to the 1st, 2nd, … call of prompts that contain a text. */
function answers(contains: string, ...list: readonly Rule['answer'][]): Rule[] {
  return list.map((answer, i) => ({ when: { contains, attempt: i + 1 }, answer }));
}

const map = (file: string, query: string, more = ''): string =>
  `RVBBIT MAP PARALLEL 2 '${file}' AS v USING (${query}) ${more}`;

test('each reduce asks factor times and makes one value of the answers', async () => {
  const cell = (takes: string): string =>
    `cells: [{ name: ask, instructions: "Rate {{ input.w }}", output_schema: { type: number }, takes: ${takes} }]`;
  write('vote.yaml', cell('{ factor: 3 }'));
  write('median.yaml', cell('{ factor: 4, reduce: median }'));
  write('first.yaml', cell('{ factor: 4, reduce: first_valid }'));
  const best = '{ instructions: "Best for {{ input.w }} of {{ takes | tojson }}" }';
  write('best.yaml', cell(`{ factor: 3, reduce: evaluator, evaluator: ${best} }`));
  const rules: Rule[] = [
    ...answers('Best for e', { best: 2 }),
    ...answers('Rate v', 7, 5, 5),
    ...answers('Rate m', 9, 1, 2, 4),
    { when: { contains: 'Rate f', attempt: 1 }, status: 400 },
    ...answers('Rate f', 0, 8),
    ...answers('Rate e', 1, 2, 3),
  ];
  script(rules);
  const one = async (file: string, word: string): Promise<unknown> =>
    (await engine.query(map(file, `SELECT '${word}' AS w`))).rows[0]!['v'];
  const counts: number[] = [];
  for (const [file, word, expected] of [
    ['vote.yaml', 'v', '5'],
    ['median.yaml', 'm', '3'],
    ['first.yaml', 'f', '8'],
    ['best.yaml', 'e', '3'],
  ] as const) {
    const before = calls();
    assert.is(await one(file, word), expected, file);
    counts.push(calls() - before);
  }
  assert.equal(counts, [3, 4, 2, 4]);
});

test('a failure tells the attempts at what failed: of a ward the redos, of takes the first', async () => {
  const ask =
    'name: ask, instructions: "Say {{ input.w }}", retry: { backoff: none, max_attempts: 2 }';
  write(
    'refused.yaml',
    `cells: [{ ${ask}, wards: { post: [{ mode: retry, js: return false }] } }]`,
  );
  write('failing.yaml', `cells: [{ ${ask}, takes: { factor: 2 } }]`);
  const rules: Rule[] = [
    { when: { contains: 'never', attempt: 3 }, status: 400 },
    { when: { contains: 'never' }, status: 500 },
  ];
  script(rules);
  const refused = await engine.query(map('refused.yaml', "SELECT 'this' AS w"));
  assert.match(refused.summary.failures[0]?.message ?? '', 'refused the output after 3 attempts');
  assert.is(refused.summary.failures[0]?.attempts, 3);
  const before = calls();
  const failed = await engine.query(map('failing.yaml', "SELECT 'never' AS w"));
  assert.is(calls() - before, 3);
  assert.match(failed.summary.failures[0]?.message ?? '', /2 of 2 takes failed.*\(2 attempts\)/);
  assert.is(failed.summary.failures[0]?.attempts, 2);
});

test('a retry ward in SQL, in js and as a cascade has the model asked again with the reason', async () => {
  write(
    'even.yaml',
    'cells: [{ name: e, tool: js, inputs: { code: "return { valid: input.output % 2 === 0, reason: `odd` }" } }]',
  );
  const wards = {
    sql: `sql: "SELECT {{ output }} % 2 = 0, 'odd' AS reason"`,
    js: 'js: "return { ok: output % 2 === 0, reason: `odd` }"',
    cascade: 'cascade: even.yaml',
  };
  const rules: Rule[] = [
    { when: { contains: 'That answer was refused: odd.' }, answer: 4 },
    { when: { contains: 'Even' }, answer: 3 },
  ];
  script(rules);
  for (const [kind, ward] of Object.entries(wards)) {
    write(
      `${kind}.yaml`,
      `cells: [{ name: ask, instructions: "Even ${kind} {{ input.n }}", output_schema: { type: integer }, wards: { post: [{ mode: retry, ${ward} }] } }]`,
    );
    const before = calls();
    const { rows, summary } = await engine.query(
      map(`${kind}.yaml`, 'SELECT range AS n FROM range(5)'),
    );
    assert.equal(
      rows.map(({ v }) => v),
      ['4', '4', '4', '4', '4'],
      kind,
    );
    assert.is(calls() - before, 10);
    assert.is(summary.calls.sent, 10);
    assertAddsUp(summary);
  }
});

test('a blocking ward fails its row alone, and an advisory one is a notice of the statement', async () => {
  const ward = (mode: string): string =>
    `cells: [{ name: ask, instructions: "Say {{ input.n }}", wards: { post: [{ name: short, mode: ${mode}, js: "return { ok: output !== 'Say 2', reason: 'it is two' }" }] } }]`;
  write('block.yaml', ward('blocking'));
  write('advise.yaml', ward('advisory'));
  const rows = 'SELECT range AS n FROM range(4)';
  const blocked = await engine.query(map('block.yaml', rows));
  assert.equal(
    blocked.rows.map(({ v }) => v),
    ['Say 0', 'Say 1', null, 'Say 3'],
  );
  assert.equal(
    blocked.summary.failures.map(({ ordinal, code }) => [ordinal, code]),
    [[2, 'RVB_WARD']],
  );
  assert.equal(blocked.notices, []);
  const notice = {
    code: 'ward_advisory',
    message: '1 advisory of wards: cell ask, ward short: it is two',
  };
  const advised = await engine.query(map('advise.yaml', rows));
  assert.is(advised.rows[2]!['v'], 'Say 2');
  assert.is(advised.summary.rows.failed, 0);
  assert.equal(advised.notices, [notice]);

  const stream = engine.stream(map('advise.yaml', rows));
  const streamed: unknown[] = [];
  for await (const { v } of stream) streamed.push(v);
  assert.equal(streamed, ['Say 0', 'Say 1', 'Say 2', 'Say 3']);
  assert.equal(stream.notices, [notice]);

  const many = await engine.query(
    map('advise.yaml', 'SELECT 2 AS n FROM range(9)', 'WITH (dedupe = false)'),
  );
  assert.match(many.notices[0]!.message, /^9 advisories of wards: (cell ask.*?two; ){3}…$/);
});

test('a ward in a RUN sees the table, and its advice reaches the result', async () => {
  write(
    'total.yaml',
    `cells:
  - name: total
    tool: sql_data
    inputs: { query: "SELECT sum(n)::INTEGER AS s FROM {{ input.data_table }}" }
    wards:
      pre:
        - { name: rows, sql: "SELECT count(*) > 1, 'too few rows' AS reason FROM {{ input.data_table }}" }
      post:
        - { name: small, mode: advisory, sql: "SELECT {{ output.rows[0].s }} < 10, 'large' AS reason" }
output: outputs.total.rows[0].s
`,
  );
  const run = (rows: number): string =>
    `RVBBIT RUN 'total.yaml' USING (SELECT range AS n FROM range(${rows})) WITH (on_error = 'null')`;
  const { rows, notices } = await engine.query(run(10));
  assert.is(JSON.parse(rows[0]!['result'] as string).status, 'success');
  assert.match(notices[0]!.message, 'ward small: large');
  const few = JSON.parse((await engine.query(run(1))).rows[0]!['result'] as string);
  assert.equal(
    [few.status, few.error.code, few.error.message.includes('too few rows')],
    ['failed', 'RVB_WARD', true],
  );
  const { outcome } = await engine.runCascade('advise.yaml', { n: 2 });
  assert.equal(outcome.advisories, [{ cell: 'ask', ward: 'short', reason: 'it is two' }]);
});

test('hostile values stay values in a SQL ward', async () => {
  write(
    'same.yaml',
    `cells:
  - name: ask
    instructions: "{{ input.w }}"
    wards: { post: [{ sql: "SELECT {{ output }} = trim({{ input.w }}) AND ({{ [output, 1] }}::JSON->>0) = {{ output }}" }] }
`,
  );
  const hostile = [
    "'; DROP TABLE keep; --",
    "' OR true --",
    '$1 $2 {{ output }} {% raw %}',
    '"keep"; SELECT true',
    "E'\\' $tag$",
    '/* */ true',
    'ident:0 \\ ünï 𝒳',
  ];
  await engine.query('CREATE TABLE keep AS SELECT 1 AS one');
  const list = hostile.map((word) => `('${word.replaceAll("'", "''")}')`).join(', ');
  const { rows, summary } = await engine.query(
    map('same.yaml', `SELECT * FROM (VALUES ${list}) t(w)`),
  );
  assert.equal(
    rows.map(({ v }) => v),
    hostile,
    summary.failures[0]?.message,
  );
  assert.is((await engine.query('SELECT one FROM keep')).rows.length, 1);
});

test('a SQL ward refuses NULL, no row, what is no BOOLEAN, and its own errors', async () => {
  const verdicts = [
    ['SELECT NULL', 'its query gave NULL'],
    ["SELECT NULL, 'why' AS reason", ': why'],
    ['SELECT true WHERE false', 'its query gave no row'],
    ["SELECT 'true'", 'a BOOLEAN in the first column'],
    ['SELECT 1', 'a BOOLEAN in the first column'],
    ['SELECT nosuch', 'the ward itself failed'],
    ['SELECT {{ output.no.such }}', 'the ward itself failed'],
    ['SELECT false, true', 'it gave no reason'],
  ] as const;
  for (const [sql, reason] of verdicts) {
    for (const mode of ['blocking', 'advisory']) {
      write(
        'verdict.yaml',
        `cells: [{ name: ask, instructions: "Tell {{ input.n }}", wards: { post: [{ mode: ${mode}, sql: ${JSON.stringify(sql)} }] } }]`,
      );
      const { rows, summary, notices } = await engine.query(map('verdict.yaml', 'SELECT 1 AS n'));
      const [failure] = summary.failures;
      assert.is(rows[0]!['v'], mode === 'advisory' ? 'Tell 1' : null, sql);
      assert.is(failure?.code, mode === 'advisory' ? undefined : 'RVB_WARD', sql);
      assert.match(failure?.message ?? notices[0]!.message, reason, sql);
    }
  }
});

test('a ward that never gives way fails its row, be it advisory, and no other', async () => {
  write(
    'stuck.yaml',
    `cells: [{ name: ask, instructions: "Ask {{ input.n }}", wards: { post: [{ mode: advisory, timeout: 200ms, js: "while (input.n === 1); return true" }] } }]`,
  );
  const { rows, summary } = await engine.query(
    map('stuck.yaml', 'SELECT range AS n FROM range(3)'),
  );
  assert.equal(
    rows.map(({ v }) => v),
    ['Ask 0', null, 'Ask 2'],
  );
  assert.equal(
    summary.failures.map(({ code }) => code),
    ['RVB_TIMEOUT'],
  );
});

test('an evaluator’s own model is bound, and a cascade ward may ask a model', async () => {
  write(
    'judge.yaml',
    'cells: [{ name: j, model: sim/judge, instructions: "Good? {{ input.output }}", output_schema: { type: object, required: [ok], properties: { ok: { type: boolean } } } }]',
  );
  write(
    'chosen.yaml',
    `cells:
  - name: ask
    instructions: "Name {{ input.n }}"
    takes: { factor: 2, reduce: evaluator, evaluator: { model: sim/critic, instructions: "Pick {{ takes | tojson }}" } }
    wards: { post: [{ mode: retry, cascade: judge.yaml }] }
`,
  );
  const rules: Rule[] = [
    { when: { contains: 'Pick', model: 'critic' }, answer: { best: 1 } },
    { when: { contains: 'Good? beta', model: 'judge' }, answer: { ok: false } },
    { when: { contains: 'Good? delta', model: 'judge' }, answer: { ok: true } },
    { when: { contains: 'it gave no reason', attempt: 1 }, answer: 'gamma' },
    { when: { contains: 'it gave no reason', attempt: 2 }, answer: 'delta' },
    ...answers('Name', 'alpha', 'beta'),
  ];
  script(rules);
  const { rows } = await engine.query(map('chosen.yaml', 'SELECT 1 AS n'));
  assert.is(rows[0]!['v'], 'delta');
  assert.is(calls(), 8);
});

test('the examples of docs/takes-and-wards.md do what it says', async () => {
  const docs = readFileSync('docs/takes-and-wards.md', 'utf8');
  for (const [, text, name] of docs.matchAll(/```yaml\n(cascade_id: (\w+)\n.*?)```/gs)) {
    write(`docs-${name}.yaml`, text!);
  }
  const rules: Rule[] = [
    ...answers('How good', 5, 2, 4),
    ...answers('A headline', 'Dull', 'Fine', 'Odd'),
    {
      when: { matches: 'fits the story best[^]*0: Dull\\s+1: Fine\\s+2: Odd' },
      answer: { best: 1 },
    },
    { when: { contains: 'refused: it must lie between half the price' }, answer: 60 },
    { when: { contains: 'A fair price' }, answer: 10 },
  ];
  script(rules);
  const one = (file: string, query: string) => engine.query(map(`docs-${file}.yaml`, query));
  assert.is((await one('rate', "SELECT 'good' AS review")).rows[0]!['v'], '4');
  assert.is((await one('headline', "SELECT 'a story' AS story")).rows[0]!['v'], 'Fine');
  const { rows, notices, summary } = await one(
    'discount',
    "SELECT 'lamp' AS name, unnest([100, 0]) AS price",
  );
  assert.equal(
    rows.map(({ v }) => v),
    ['60', null],
  );
  assert.match(summary.failures[0]!.message, 'ward priced refused the input: the price is 0');
  assert.match(notices[0]!.message, 'ward bold: 60 of 100');
});

test.run();
