/** A prompt beyond the context of its model is refused before its call, with the number of its tokens. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/index.ts';
import { listedContext } from '../../src/model/prices.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import type { ModelServer } from '../support/model-server.ts';
import { withModel } from './engine-support.ts';

const RUN = `cascade_id: all
cells:
  - name: rows
    tool: sql_data
    inputs: { query: "SELECT word FROM {{ input.data_table | ident }}" }
  - name: read
    instructions: "Sum up: {{ outputs.rows }}"
`;
const MAP =
  'cascade_id: one\ncells:\n  - name: read\n    instructions: "Sum up: {{ input.word }}"\n';
const WORDS = (rows: number) =>
  `SELECT i || repeat(' word', 200) AS word FROM range(${rows}) r(i) LIMIT ${rows}`;

async function withContext(
  limits: object,
  use: (engine: Engine, server: ModelServer) => Promise<void>,
): Promise<void> {
  const folder = makeFolder({ 'all.yaml': RUN, 'one.yaml': MAP });
  try {
    await withModel({ engine: { cascades: folder, providers: { limits } as never } }, use);
  } finally {
    removeFolder(folder);
  }
}

async function run(engine: Engine, rows: number): Promise<Readonly<Record<string, unknown>>> {
  const { rows: found } = await engine.query(`RVBBIT RUN 'all.yaml' USING (${WORDS(rows)})`);
  return JSON.parse(String(found[0]!['result']));
}

test('a RUN over more than the context is refused before its call, and says what to do', () =>
  withContext({ context: 5_000 }, async (engine, server) => {
    const { status, error } = await run(engine, 40);
    const { code, message } = error as { code: string; message: string };
    assert.equal([status, code], ['failed', 'RVB_LIMIT']);
    assert.match(message, /about 10,\d\d\d tokens, and the context of sim\/test-model has 5,000/);
    assert.match(message, 'fewer rows (LIMIT), ask about each row (RVBBIT MAP), or take a model');
    assert.is((await server.ledger()).totals.calls, 0);
    assert.is((await run(engine, 15))['status'], 'success');
    assert.is((await server.ledger()).totals.calls, 1);
  }));

test('the context of a single model comes before that of its provider; without one nothing is refused', async () => {
  const larger = { context: 5_000, models: { 'test-model': { context: 20_000 } } };
  for (const limits of [larger, {}]) {
    await withContext(limits, async (engine) => {
      assert.is((await run(engine, 40))['status'], 'success');
    });
  }
});

test('a prompt beyond the context of the first model goes to the next one', () =>
  withContext({ models: { 'test-model': { context: 5_000 } } }, async (engine, server) => {
    const sql = `-- @ model: sim/test-model, sim/large\nRVBBIT RUN 'all.yaml' USING (${WORDS(40)})`;
    const { rows } = await engine.query(sql);
    assert.is(JSON.parse(String(rows[0]!['result'])).status, 'success');
    const { entries } = await server.ledger();
    assert.equal(
      entries.map(({ model }) => model),
      ['large'],
    );
  }));

test('calls about several rows become smaller until they fit', () =>
  withContext({ context: 1_500 }, async (engine, server) => {
    const { rows, summary } = await engine.query(
      `RVBBIT MAP BATCH 16 'one.yaml' AS v USING (${WORDS(16)})`,
    );
    assert.equal([rows.length, summary.rows.ok], [16, 16]);
    const { entries } = await server.ledger();
    assert.ok(entries.length > 2 && entries.length < 16, `${entries.length} calls`);
    assert.ok(
      entries.every(({ tokensIn, outcome }) => tokensIn <= 1_500 && outcome === 'answered'),
    );
  }));

test("the contexts of the makers' own servers are known, and no others", () => {
  const of = (baseUrl: string, model: string) => listedContext({ baseUrl }, model);
  assert.is(of('https://api.openai.com/v1', 'gpt-4o-mini'), 128_000);
  assert.is(of('https://api.anthropic.com/v1', 'claude-haiku-4-5'), 200_000);
  assert.is(of('https://api.openai.com/v1', 'no-such-model'), undefined);
  assert.is(of('https://api.deepseek.com/v1', 'deepseek-chat'), undefined);
  assert.is(of('http://127.0.0.1:8000/v1', 'gpt-4o-mini'), undefined);
});

test.run();
