/** MAP ASYNC … WITH (service = 'batch'): the calls are made by the provider's Batch API. */
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { ANTHROPIC_BATCHES } from '../../src/model/batches/anthropic-batches.ts';
import { BatchHttp } from '../../src/model/batches/batch-http.ts';
import { OPENAI_BATCHES } from '../../src/model/batches/openai-batches.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { type Simulator, startSimulator } from '../../src/testing.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { readRecords } from '../kill/journal-files.ts';
import { errorOf } from '../model/engine-support.ts';
import { awaited, jobOf, shown, until } from './support.ts';

const PRICES = { inputPerMtok: 3, outputPerMtok: 5 };
const FILES = {
  'ask.yaml': `cascade_id: ask
cells:
  - name: ask
    instructions: "Row {{ input.n }}"
`,
  'two.yaml': `cascade_id: two
inputs_schema: { type: object, required: [n], properties: { n: { type: integer } } }
cells:
  - name: first
    instructions: "Is {{ input.n }} even?"
    output_schema: { type: object, required: [even], properties: { even: { type: boolean } } }
  - name: second
    instructions: "Name {{ outputs.first.even }} {{ input.n }}"
output: outputs.second
`,
};
const TYPES = ['openai-compatible', 'anthropic'] as const;

interface Place {
  readonly folder: string;
  readonly server: Simulator;
  open(more?: object): Promise<Engine>;
  /** Micro-dollars of all calls in the journal. */
  cost(): number;
}

async function withPlace(
  options: SimulatorOptions,
  use: (place: Place) => Promise<void>,
  type: (typeof TYPES)[number] = 'openai-compatible',
): Promise<void> {
  const folder = makeFolder(FILES);
  await using server = await startSimulator({ prices: { '*': PRICES }, ...options });
  const provider = { type, baseUrl: server.url, batches: true, prices: { m: PRICES } };
  try {
    await use({
      ...{ folder, server },
      open: (more) =>
        Engine.open({
          ...{ cascades: folder, threads: 1, stateDir: join(folder, 'state') },
          ...{ database: join(folder, 'db.duckdb'), model: 'sim/m', providers: { sim: provider } },
          ...more,
        }),
      cost: () =>
        readRecords(join(folder, 'state'))
          .filter(({ t }) => t === 'attempt.end')
          .reduce(
            (sum, record) => sum + ((record as { costMicroUsd?: number }).costMicroUsd ?? 0),
            0,
          ),
    });
  } finally {
    removeFolder(folder);
  }
}

const map = (rows: number, cascade = 'ask.yaml', options = '') =>
  `CREATE TABLE answers AS RVBBIT MAP ASYNC PARALLEL 8 '${cascade}' AS v
USING (SELECT range::INTEGER AS n FROM range(${rows}) ORDER BY n) WITH (service = 'batch'${options})`;
const expected = (rows: number) => Array.from({ length: rows }, (_, n) => ({ n, v: `Row ${n}` }));

for (const type of TYPES) {
  test(`${type}: the rows are those of a MAP, in one batch, at half the price`, () =>
    withPlace(
      { batches: { ms: 100 } },
      async ({ open, server, cost }) => {
        await using engine = await open();
        const job = await jobOf(engine, map(30));
        const ended = await awaited(engine, job);
        assert.equal([ended.status, ended.error], ['success', undefined]);
        assert.equal((await engine.query('FROM answers')).rows, expected(30));
        const requests = server.batched();
        assert.is(new Set(requests.map(({ batch }) => batch)).size, 1);
        assert.ok(requests.every(({ upload, fate }) => upload === 1 && fate === 'succeeded'));
        const { entries } = server.ledger();
        assert.is(entries.length, 30, 'no call goes out by itself');
        const half = entries.reduce((sum, one) => sum + Math.ceil(one.costMicroUsd! - 1e-6), 0);
        assert.is(cost(), half);
        assert.is((await shown(engine, job))['cost'], half / 1e6);
        const { rows } = await engine.query(
          'SELECT count(*)::INTEGER AS n, sum(cost) AS cost FROM rvbbit.unified_logs',
        );
        assert.equal([rows[0]!['n'], Math.round(Number(rows[0]!['cost']) * 1e6)], [30, half]);
      },
      type,
    ));

  test(`${type}: what expires, fails, is missing or comes twice is asked again, and each row has its own answer`, () =>
    withPlace(
      { batches: { expired: 0.2, failed: 0.2, missing: 0.2, duplicated: 0.5, uploads: 1 } },
      async ({ open, server, cost }) => {
        await using engine = await open();
        const ended = await awaited(engine, await jobOf(engine, map(60)));
        assert.equal([ended.status, ended.error], ['success', undefined]);
        assert.equal((await engine.query('FROM answers')).rows, expected(60));
        const requests = server.batched();
        const again = requests.filter(({ upload }) => upload > 1).map((one) => one.contentHash);
        const open1 = requests
          .filter(({ upload, fate }) => upload === 1 && fate !== 'succeeded')
          .map((one) => one.contentHash);
        assert.equal(again.sort(), open1.sort(), 'only what has no answer is sent again');
        assert.ok(again.length > 20);
        const { entries } = server.ledger();
        assert.is(entries.length, 60);
        const half = entries.reduce((sum, one) => sum + Math.ceil(one.costMicroUsd! - 1e-6), 0);
        assert.is(cost(), half);
      },
      type,
    ));

  test(`${type}: a batch that is completed though every row failed leaves no answer`, () =>
    withPlace(
      { batches: { failed: 1 } },
      async ({ open, server, cost }) => {
        await using engine = await open();
        const ended = await awaited(engine, await jobOf(engine, map(5)));
        assert.is(ended.status, 'failed');
        assert.is(server.batched().length, 15, 'each is asked three times');
        assert.is(cost(), 0);
        assert.is((await errorOf(engine.query('FROM answers'))).sqlState, '42P01');
      },
      type,
    ));
}

test('a cascade of two calls, whose answers may be unusable, goes by a batch for each step', () =>
  withPlace(
    {
      rules: [
        {
          when: { contains: 'Is 3 even' },
          times: 1,
          answer: { even: 'perhaps' },
        },
      ],
    },
    async ({ open, server, cost }) => {
      await using engine = await open();
      const ended = await awaited(engine, await jobOf(engine, map(10, 'two.yaml')));
      assert.equal([ended.status, ended.error], ['success', undefined]);
      const { rows } = await engine.query('FROM answers');
      for (const { n, v } of rows) assert.match(String(v), new RegExp(`^Name (true|false) ${n}$`));
      const requests = server.batched();
      assert.is(requests.length, 21, 'ten, ten, and one whose answer did not fit');
      assert.ok(requests.every(({ upload }) => upload === 1));
      const { entries } = server.ledger();
      const half = entries.reduce((sum, one) => sum + Math.ceil(one.costMicroUsd! - 1e-6), 0);
      assert.is(cost(), half);
    },
  ));

test('an engine that closes leaves the batch, and the next one finds it', () =>
  withPlace({ batches: { ms: 1_500 } }, async ({ open, server, folder }) => {
    const first = await open();
    const job = await jobOf(first, map(12));
    await until(() => server.batched().length > 0);
    await first.close();
    const manifests = readdirSync(join(folder, 'state', 'jobs', job.session_id, 'batches'));
    assert.is(manifests.length, 1);
    await using second = await open();
    assert.is((await awaited(second, job)).status, 'success');
    assert.equal((await second.query('FROM answers')).rows, expected(12));
    assert.is(server.batched().length, 12);
  }));

for (const type of TYPES) {
  test(`${type}: CANCEL cancels the batches, whether the job runs or waits for an engine`, () =>
    withPlace(
      { batches: { ms: 60_000 } },
      async ({ open, server, folder }) => {
        const engine = await open();
        const job = await jobOf(engine, map(4));
        await until(() => server.batched().length > 0);
        const row = await jobOf(engine, `RVBBIT CANCEL '${job.session_id}'`);
        assert.is(row.status, 'cancelled');
        assert.ok(server.batched().every(({ fate }) => fate === 'canceled'));
        server.reset();
        const left = await jobOf(engine, map(4, 'two.yaml'));
        await until(() => server.batched().length > 0);
        await engine.close();
        await using other = await open({ database: join(folder, 'other.duckdb') });
        const cancelled = await jobOf(other, `RVBBIT CANCEL '${left.session_id}'`);
        assert.is(cancelled.status, 'cancelled');
        assert.is(server.batched().length, 4);
        assert.ok(server.batched().every(({ fate }) => fate === 'canceled'));
      },
      type,
    ));
}

for (const type of TYPES) {
  test(`${type}: what could not be cancelled is named by the job's error`, () =>
    withPlace(
      { batches: { ms: 60_000 } },
      async ({ open, server }) => {
        await using engine = await open();
        const job = await jobOf(engine, map(4));
        await until(() => server.batched().length > 0);
        await server.close();
        await engine.query(`RVBBIT CANCEL '${job.session_id}'`);
        const { status, error } = await awaited(engine, job);
        assert.is(status, 'cancelled');
        assert.match(error!.message, 'not all of its batches could be cancelled: ');
      },
      type,
    ));
}

test('what a batch has brought is recorded, though an equal call was answered meanwhile', () =>
  withPlace({ batches: { ms: 1_500 } }, async ({ open, server, cost }) => {
    await using engine = await open();
    const job = await jobOf(engine, map(4));
    await until(() => server.batched().length > 0);
    await engine.query(
      "RVBBIT MAP 'ask.yaml' AS v USING (SELECT range::INTEGER AS n FROM range(4))",
    );
    assert.is((await awaited(engine, job)).status, 'success');
    const { entries } = server.ledger();
    const paid = entries.reduce((sum, one) => sum + Math.ceil(one.costMicroUsd! - 1e-6), 0);
    assert.is(cost(), paid);
  }));

test('a prompt beyond the context of its model is put into no batch', () =>
  withPlace({}, async ({ open, server }) => {
    const limits = { context: 2_000 };
    const provider = { baseUrl: server.url, batches: true, prices: { m: PRICES }, limits };
    await using engine = await open({ providers: { sim: provider } });
    const sql = `CREATE TABLE answers AS RVBBIT MAP ASYNC 'ask.yaml' AS v
USING (SELECT repeat('word ', 100 + 2_000 * (i % 2)) || i AS n FROM range(4) r(i)) WITH (service = 'batch')`;
    assert.is((await awaited(engine, await jobOf(engine, sql))).status, 'success');
    const { rows } = await engine.query('SELECT v IS NULL AS failed FROM answers');
    assert.equal(
      rows.map(({ failed }) => failed),
      [false, true, false, true],
    );
    assert.is(server.batched().length, 2);
  }));

test('a batch whose id is not told is looked for', async () => {
  const server = createServer((_request, response) => response.end('{"object":"batch"}'));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const settings = {
    id: 'sim',
    type: 'anthropic',
    responseFormat: 'none',
    connections: 0,
  } as const;
  const http = new BatchHttp(
    { ...settings, baseUrl: `http://127.0.0.1:${port}` },
    AbortSignal.timeout(10_000),
  );
  try {
    for (const api of [OPENAI_BATCHES, ANTHROPIC_BATCHES]) {
      const error = await errorOf(api.create(http, { id: 'a', createdMs: 0, keys: [] }, []));
      assert.equal([error.retryable, error.code], [true, 'RVB_MODEL_HTTP']);
    }
  } finally {
    await http.close();
    server.close();
  }
});

test('a refusal at a look at a batch is not its end', () =>
  withPlace({}, async ({ open, server }) => {
    const refused = new Map<string, number>();
    const gateway = createServer(async (request, response) => {
      const { method, url = '' } = request;
      const count = refused.get(url) ?? 0;
      const statuses = [404, 401, 403];
      if (method === 'GET' && count < statuses.length) {
        refused.set(url, count + 1);
        response.writeHead(statuses[count]!).end('{"error":{"message":"a hiccup"}}');
        return;
      }
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const answer = await fetch(new URL(url, server.url), {
        method: method!,
        headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
        ...(method === 'GET' ? {} : { body: Buffer.concat(parts) }),
      });
      response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    });
    await new Promise<void>((resolve) => {
      gateway.listen(0, '127.0.0.1', resolve);
    });
    const baseUrl = new URL(server.url);
    baseUrl.port = String((gateway.address() as AddressInfo).port);
    try {
      await using engine = await open({
        providers: {
          sim: {
            type: 'openai-compatible',
            baseUrl: baseUrl.href,
            batches: true,
            prices: { m: PRICES },
          },
        },
      });
      assert.is((await awaited(engine, await jobOf(engine, map(3)))).status, 'success');
      assert.ok(refused.size >= 2, 'looks and a download were refused');
      assert.is(server.batched().length, 3);
    } finally {
      gateway.close();
    }
  }));

test('a budget holds for what is put into batches, and what is there is used', () =>
  withPlace({}, async ({ open, server }) => {
    await using engine = await open();
    const ended = await awaited(
      engine,
      await jobOf(engine, map(10, 'ask.yaml', ', max_calls = 4')),
    );
    assert.equal([ended.status, ended.error?.code], ['incomplete', 'RVB_BUDGET']);
    assert.is(server.batched().length, 4);
    const whole = await awaited(engine, await jobOf(engine, map(10)));
    assert.is(whole.status, 'success');
    assert.is(server.batched().length, 10, 'four answers were stored');
  }));

test('EXPLAIN tells both prices', () =>
  withPlace({}, async ({ open }) => {
    await using engine = await open();
    const { rows } = await engine.query(`EXPLAIN ${map(100)}`);
    const text = JSON.stringify(rows);
    assert.match(
      text,
      /by the provider's Batch API, which may take a day: single calls cost [^"]*\$0\.\d+/,
    );
    const single = map(100)
      .replace(' ASYNC', '')
      .replace(/WITH.*/, '');
    const told = (await engine.query(`EXPLAIN ${single}`)).rows;
    assert.match(JSON.stringify(told), /with service = 'batch', a MAP ASYNC costs [^"]*\$0\.\d+/);
  }));

test('a server without the Batch API that it is said to have ends the job', () =>
  withPlace({}, async ({ open, server }) => {
    const baseUrl = `${server.url}/v2`;
    await using engine = await open({
      providers: { sim: { type: 'openai-compatible', baseUrl, batches: true } },
    });
    const ended = await awaited(engine, await jobOf(engine, map(3)));
    assert.equal([ended.status, ended.error?.code], ['failed', 'RVB_MODEL_HTTP']);
    assert.match(ended.error!.message, /the Batch API of sim at .* answered 404/);
  }));

test('service is refused where it cannot be, with its place and what to do', () =>
  withPlace({}, async ({ open, folder }) => {
    await using engine = await open();
    const single = { sim: { type: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' } };
    await using other = await open({ providers: single, database: join(folder, 'b.duckdb') });
    const now = map(2).replace(' ASYNC', '');
    for (const [on, sql, message] of [
      [engine, now, /may take a day; write RVBBIT MAP ASYNC/],
      [engine, `EXPLAIN ANALYZE ${map(2)}`, /leave ANALYZE out/],
      [engine, map(2).replace('PARALLEL 8', 'PARALLEL 8 BATCH 4'), /leave BATCH out/],
      [engine, map(2, 'ask.yaml', ', cache = false'), /needs stored answers/],
      [engine, map(2, 'ask.yaml', ', dedupe = false'), /needs stored answers/],
      [other, map(2), /the provider sim has none; leave the option out, or say batches: true/],
      [engine, map(2, 'ask.yaml', ", model = 'lexical'"), /the provider lexical has none/],
    ] as const) {
      const error = await errorOf(on.query(sql));
      assert.is(error.code, 'RVB_UNSUPPORTED', sql);
      assert.match(error.message, message);
      const { line, column } = error.place!;
      assert.ok(
        sql
          .split('\n')
          [line - 1]!.slice(column - 1)
          .startsWith('service'),
        sql,
      );
    }
    assert.not.ok(existsSync(join(folder, 'state', 'jobs')));
  }));

test.run();
