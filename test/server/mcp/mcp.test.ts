/** The MCP server, seen by the official SDK's client: in this process, and as a process on stdin and stdout. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { Progress } from '@modelcontextprotocol/sdk/types.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions } from '../../../src/index.ts';
import type { AgentOptions } from '../../../src/server/mcp/agent-session.ts';
import { serveMcp } from '../../../src/server/mcp/mcp-server.ts';
import { makeFolder, removeFolder, rvbbit } from '../../cli/spawn.ts';

const folder = makeFolder({
  'asks.yaml': `cascade_id: asks
description: Asks about a number.
inputs_schema: { n: a number }
cells:
  - { name: a, instructions: 'Say {{ input.n }}' }
`,
  'broken.yaml': 'cascade_id: broken\ncells: 7\n',
});
test.after(() => removeFolder(folder));

type Answer = Readonly<Record<string, unknown>> & { readonly error: string };

interface Agent extends AsyncDisposable {
  readonly client: Client;
  readonly engine: Engine;
  /** The number of requests that reached the model. */
  readonly asked: () => number;
  readonly aborted: () => number;
  call(name: string, args?: Record<string, unknown>): Promise<Answer>;
}

/** An agent whose model answers after `latencyMs`, or when its call is cancelled. */
async function agent(
  options: Partial<AgentOptions> & { latencyMs?: number } = {},
  engineOptions: EngineOptions = {},
): Promise<Agent> {
  const { latencyMs = 0, ...given } = options;
  let [asked, aborted] = [0, 0];
  const engine = await Engine.open({
    cascades: folder,
    threads: 1,
    model: async (_request, { signal }) => {
      asked += 1;
      await sleep(latencyMs, undefined, { signal }).catch(() => {
        aborted += 1;
      });
      return { text: 'yes', finishReason: 'stop', usage: { inputTokens: 10, outputTokens: 1 } };
    },
    modelPrice: { inputPerMtok: 1_000, outputPerMtok: 1_000 },
    ...engineOptions,
  });
  await engine.query(
    'CREATE TABLE t AS SELECT range AS n, repeat(chr(97 + (range % 26)::INTEGER), 3) AS b FROM range(50)',
  );
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const server = await serveMcp(engine, { cascades: [folder], readWrite: false, ...given }, ours);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(theirs);
  return {
    client,
    engine,
    asked: () => asked,
    aborted: () => aborted,
    call: async (name, args = {}) => answerOf(await client.callTool({ name, arguments: args })),
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.close();
      await engine.close();
    },
  };
}

function answerOf(result: Awaited<ReturnType<Client['callTool']>>): Answer {
  const [content] = result.content as { type: string; text: string }[];
  if (result.isError === true) return { error: content!.text };
  return { error: '', ...(JSON.parse(content!.text) as object) };
}

/** For the tests that change nothing. */
const one = await agent({ maxCalls: 30, maxRows: 5 });
test.after(async () => one[Symbol.asyncDispose]());

test('the tools are listed with their schemas, and say what they only read', async () => {
  const { tools } = await one.client.listTools();
  assert.equal(
    tools.map(({ name }) => name),
    ['query', 'explain', 'list_tables', 'list_cascades', 'list_operators'],
  );
  assert.ok(tools.every(({ annotations }) => annotations?.readOnlyHint === true));
  assert.equal(tools[0]!.inputSchema.required, ['sql']);
  assert.match(one.client.getInstructions() ?? '', 'MEANS');
});

test('lists name the tables, the cascades with what is wrong, and the operators', async () => {
  await one.engine.query('CREATE VIEW v AS SELECT 1 AS x');
  assert.equal(await one.call('list_tables'), {
    error: '',
    tables: [
      { name: 'memory.main.t', kind: 'table', rows: 50, columns: ['n BIGINT', 'b VARCHAR'] },
      { name: 'memory.main.v', kind: 'view', rows: null, columns: ['x INTEGER'] },
    ],
  });
  assert.equal(((await one.call('list_tables', { like: 'zz' }))['tables'] as unknown[]).length, 0);
  const { cascades } = (await one.call('list_cascades')) as unknown as { cascades: Answer[] };
  assert.equal(cascades[0], {
    cascade: 'asks.yaml',
    description: 'Asks about a number.',
    required_columns: ['n'],
    inputs: cascades[0]!['inputs'],
  });
  assert.match(String(cascades[1]!['broken']), 'cells');
  const { operators } = (await one.call('list_operators')) as unknown as { operators: Answer[] };
  assert.ok(operators.length > 20);
  assert.match(JSON.stringify(operators.find(({ name }) => name === 'MEANS')), 'MEANS');
});

test('a query returns typed columns and rows, and says what was cut and how to get the rest', async () => {
  assert.equal(await one.call('query', { sql: 'SELECT 1 AS a, NULL AS b, [1, 2] AS c' }), {
    error: '',
    columns: ['a INTEGER', 'b INTEGER', 'c INTEGER[]'],
    rows: [[1, null, [1, 2]]],
  });
  const few = await one.call('query', { sql: 'SELECT n FROM t ORDER BY n', max_rows: 3 });
  assert.equal(few['rows'], [[0], [1], [2]]);
  assert.match(String(few['cut']), /first 3 rows.*LIMIT and OFFSET/);
  assert.is(((await one.call('query', { sql: 'FROM t', max_rows: 99 }))['rows'] as []).length, 5);
  const wide = await one.call('query', { sql: "SELECT repeat('x', 50000) AS a FROM range(3)" });
  assert.match(String(wide['cut']), /longer than 4000 characters/);
  await using two = await agent({ maxRows: 1_000 });
  const heavy = await two.call('query', { sql: "SELECT repeat('x', 3000) AS a FROM range(100)" });
  assert.match(String(heavy['cut']), /first 21 rows are here \(bound: 65536 bytes\)/);
});

test('no call is bought for rows that are not returned', async () => {
  await using one = await agent({ maxRows: 4 });
  const sql = "RVBBIT MAP PARALLEL 2 'asks.yaml' AS v USING (SELECT n FROM t)";
  const answer = await one.call('query', { sql });
  assert.is((answer['rows'] as []).length, 4);
  assert.ok(one.asked() < 20, `${one.asked()} calls for 4 rows`);
});

test('errors come as results of the tool, with code and hint, and the session goes on', async () => {
  const refused = await one.call('query', { sql: 'DROP TABLE t' });
  assert.match(refused.error, /^RVB_SQL \(42501\): permission denied: DROP TABLE is not a query/);
  assert.match((await one.call('query', { sql: "FROM read_text('/etc/passwd')" })).error, '42501');
  assert.match((await one.call('query', { sql: 'SELEC 1' })).error, /RVB_SQL \(42601\)/);
  assert.match(
    (await one.call('query', { sql: 'SELECT 1; SELECT 2' })).error,
    'RVB_MULTIPLE_STATEMENTS',
  );
  assert.match(
    (await one.call('query', { sql: 'PRAGMA enable_profiling' })).error,
    'standard output',
  );
  assert.match((await one.call('query', {})).error, /sql/);
  assert.equal((await one.call('query', { sql: 'SELECT 7 AS x' }))['rows'], [[7]]);
});

test('explain tells rows, calls and dollars, and asks nothing', async () => {
  const sql = "RVBBIT MAP 'asks.yaml' AS v USING (SELECT n FROM t LIMIT 20)";
  const told = await one.call('explain', { sql });
  assert.is(told['rows_read'], 20);
  assert.equal(told['calls'], { least: 20, expected: 20, most: 20 });
  assert.is(told['would_run'], true);
  assert.ok((told['cost_usd'] as { expected: number }).expected > 0);
  assert.match(String(told['plan']), 'asks.yaml');
  const beyond = await one.call('explain', { sql: sql.replace('LIMIT 20', 'LIMIT 40') });
  assert.is(beyond['would_run'], false);
  assert.match(
    String(beyond['beyond_budget']),
    'it may make 40 model calls (40 expected), and this session has 30 left',
  );
  assert.is((await one.call('explain', { sql: 'SELECT count(*) FROM t' }))['calls'], 0);
  const analyze = await one.call('explain', { sql: `EXPLAIN ANALYZE ${sql}` });
  assert.equal(analyze['calls'], told['calls']);
  const means = "EXPLAIN ANALYZE SELECT n FROM t WHERE b MEANS 'x'";
  assert.is((await one.call('explain', { sql: means }))['would_run'], true);
  assert.is(one.asked(), 0);
});

test('what may cost more than the session has left is refused before its first call, with the number', async () => {
  await using one = await agent({ maxCalls: 10, maxCostMicroUsd: 2_000_000 });
  const map = (rows: number, more = '') =>
    `RVBBIT MAP 'asks.yaml' AS v USING (SELECT n FROM t LIMIT ${rows})${more}`;
  const refused = await one.call('query', { sql: map(11) });
  assert.match(
    refused.error,
    /^RVB_BUDGET .*nothing was asked: it may make 11 model calls \(11 expected\), and this session has 10 left/,
  );
  assert.match(
    (await one.call('query', { sql: `EXPLAIN ANALYZE ${map(11)}` })).error,
    'may make 11 model calls',
  );
  assert.is((await one.call('query', { sql: `EXPLAIN ${map(11)}` })).error, '');
  assert.match(
    (await one.call('query', { sql: "EXPLAIN ANALYZE SELECT n FROM t WHERE b MEANS 'x'" })).error,
    'may make 26 model calls',
  );
  assert.match(
    (await one.call('query', { sql: "SELECT n FROM t WHERE b MEANS 'x'" })).error,
    /may make 26 model calls/,
  );
  assert.is(one.asked(), 0);
  const part = await one.call('query', { sql: map(11, ' WITH (max_calls = 4)') });
  assert.is(part.error, '');
  assert.is(one.asked(), 4);
  assert.equal((part['left'] as { calls: number }).calls, 6);
  assert.equal(part['calls'], { sent: 4, stored_answers: 0 });
  assert.is((await one.call('query', { sql: map(10) })).error, '');
  assert.is(one.asked(), 10);
  assert.match(
    (await one.call('query', { sql: map(11) })).error,
    /may make 1 model calls .* 0 left/,
  );
  assert.is((await one.call('query', { sql: map(10) })).error, '');
  assert.is((await one.call('query', { sql: 'SELECT 1 AS plain' })).error, '');
});

test('money is a limit like calls, and a model without a price is refused under it', async () => {
  await using one = await agent({ maxCostMicroUsd: 100_000 });
  const sql = "RVBBIT MAP 'asks.yaml' AS v USING (SELECT n FROM t LIMIT 50)";
  assert.match(
    (await one.call('query', { sql })).error,
    /it may cost about \$12\.90, and this session has \$0\.10 left/,
  );
  assert.is(one.asked(), 0);
  await using two = await agent({ maxCostMicroUsd: 100_000 }, { modelPrice: undefined } as never);
  assert.match((await two.call('query', { sql })).error, 'it asks a model without a price');
  assert.is(two.asked(), 0);
});

test('a cancelled request cancels its calls, and progress is told while it runs', async () => {
  await using one = await agent({ latencyMs: 30_000 });
  const cancel = new AbortController();
  const heard: Progress[] = [];
  const sql = "RVBBIT MAP PARALLEL 4 'asks.yaml' AS v USING (SELECT n FROM t LIMIT 4)";
  const call = one.client.callTool({ name: 'query', arguments: { sql } }, undefined, {
    signal: cancel.signal,
    onprogress: (progress) => heard.push(progress),
  });
  call.catch(() => {});
  for (let tries = 0; tries < 300 && heard.length === 0; tries += 1) await sleep(20);
  assert.match(heard[0]?.message ?? '', /^0 of \d+ rows, \d+ calls, cost \$0, \d s$/);
  assert.is(one.asked(), 4);
  cancel.abort();
  for (let tries = 0; tries < 100 && one.aborted() < 4; tries += 1) await sleep(20);
  assert.is(one.aborted(), 4);
  assert.equal((await one.call('query', { sql: 'SELECT 1 AS x' }))['rows'], [[1]]);
});

test('with --read-write an agent writes; the statement then runs to its end', async () => {
  await using one = await agent({ readWrite: true, maxRows: 2 });
  const made = await one.call('query', {
    sql: "CREATE TABLE u AS RVBBIT MAP 'asks.yaml' AS v USING (SELECT n FROM t LIMIT 6)",
  });
  assert.is(made['row_count'], 6);
  const kept = await one.call('query', {
    sql: "RVBBIT MAP 'asks.yaml' AS v USING (SELECT n FROM t LIMIT 6) WITH (as_table = 'kept')",
  });
  assert.is((kept['rows'] as []).length, 2);
  assert.equal(
    (await one.call('query', { sql: 'SELECT count(*)::INTEGER AS c FROM kept' }))['rows'],
    [[6]],
  );
  const { tools } = await one.client.listTools();
  assert.is(tools[0]!.annotations?.destructiveHint, true);
});

test('the process speaks only the protocol on stdout, and ends when the client goes', async () => {
  const main = fileURLToPath(new URL('../../../bundle/rvbbit.js', import.meta.url));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [main, 'serve', 'mcp', '--log', 'mcp.log', '--read-write', '--no-state'],
    cwd: folder,
    stderr: 'pipe',
  });
  const problems: Error[] = [];
  const client = new Client({ name: 'test', version: '1' });
  client.onerror = (error) => problems.push(error);
  await client.connect(transport);
  const { pid } = transport;
  const call = async (sql: string) =>
    answerOf(await client.callTool({ name: 'query', arguments: { sql } }));
  assert.equal((await call('SELECT 42 AS x'))['rows'], [[42]]);
  await call('EXPLAIN ANALYZE SELECT 1');
  assert.match((await call("SET enable_profiling = 'query_tree'")).error, 'standard output');
  await client.close();
  for (let tries = 0; tries < 200 && isAlive(pid!); tries += 1) await sleep(20);
  assert.not.ok(isAlive(pid!));
  assert.equal(problems, []);
  assert.ok(existsSync(join(folder, 'mcp.log')));
});

test('a wrong word is a usage error', async () => {
  assert.match((await rvbbit(['serve', 'mpc'])).stderr, "there is no server 'mpc'");
  assert.is((await rvbbit(['serve'])).code, 2);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.run();
