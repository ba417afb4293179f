/** What is seen of a server from outside: health, metrics, and the log of statements. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../../src/index.ts';
import { Metrics } from '../../../src/server/outside/metrics.ts';
import { startOutside } from '../../../src/server/outside/outside-server.ts';
import { StatementLog } from '../../../src/server/outside/statement-log.ts';
import { makeFolder, removeFolder } from '../../cli/spawn.ts';

const folder = makeFolder({
  'asks.yaml': "cascade_id: asks\ncells:\n  - { name: a, instructions: 'Say {{ input.n }}' }\n",
});
test.after(() => removeFolder(folder));

const open = () =>
  Engine.open({
    cascades: folder,
    threads: 1,
    model: async () => ({
      text: 'canary-answer',
      finishReason: 'stop',
      usage: { inputTokens: 10, outputTokens: 2 },
    }),
    modelPrice: { inputPerMtok: 1, outputPerMtok: 1 },
  });
const MAP = "RVBBIT MAP 'asks.yaml' AS v USING (SELECT 'canary-row-' || range AS n FROM range(5))";

test('the metrics are those of the receipts, in a text that Prometheus reads', async () => {
  await using engine = await open();
  const metrics = new Metrics();
  const stop = metrics.watch(engine);
  let connections = 3;
  metrics.gauge('rvbbit_connections', 'Connections that are open.', () => connections);
  await engine.query(MAP);
  await engine.query(MAP);
  await engine.query('SELECT 1');
  await engine.query('FROM nowhere').catch(() => {});
  const outside = await startOutside({ port: 0, metrics });
  const get = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${outside.port}${path}`, { method });
  try {
    const response = await get('/metrics');
    assert.match(response.headers.get('content-type') ?? '', 'version=0.0.4');
    const text = await response.text();
    for (const line of [
      'rvbbit_statements_total{kind="map",outcome="complete"} 2',
      'rvbbit_statements_total{kind="sql",outcome="complete"} 1',
      'rvbbit_statements_total{kind="sql",outcome="failed"} 1',
      'rvbbit_errors_total{code="RVB_SQL"} 1',
      'rvbbit_rows_total{outcome="ok"} 10',
      'rvbbit_connections 3',
      'rvbbit_statements_in_flight 0',
      'rvbbit_calls_in_flight 0',
      'rvbbit_statement_seconds_count{kind="map"} 2',
      'rvbbit_statement_seconds_bucket{kind="map",le="+Inf"} 2',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line}\nis not in\n${text}`);
    }
    assert.match(text, /rvbbit_calls_total\{.*outcome="ok"\} 5\n/);
    assert.match(text, /rvbbit_tokens_total\{.*direction="in"\} 50\n/);
    assert.match(text, /rvbbit_cost_dollars_total\{.*\} 0\.00006/);
    assert.match(text, /rvbbit_stored_answers_total\{.*\} 5\n/);
    const wellFormed =
      /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)+\})? [\d.e+-]+)$/;
    for (const line of text.trimEnd().split('\n')) assert.match(line, wellFormed);
    assert.not.match(text, 'canary');
    connections = 4;
    assert.match(await (await get('/metrics')).text(), 'rvbbit_connections 4');
    stop();
    await engine.query(MAP);
    assert.match(await (await get('/metrics')).text(), 'kind="map",outcome="complete"} 2');
  } finally {
    await outside.close();
  }
});

test('labels are escaped, and a figure keeps a bounded number of them', () => {
  const metrics = new Metrics();
  metrics.count('x_total', 'X.', { name: 'a"b\\c\nd' });
  assert.match(metrics.text(), 'x_total{name="a\\"b\\\\c\\nd"} 1\n');
  for (let n = 0; n < 5_000; n += 1) metrics.error(`CODE_${n}`);
  assert.is(metrics.text().split('rvbbit_errors_total{').length - 1, 500);
});

test('healthz says ok, or why no statement is taken; other paths and methods are refused', async () => {
  let why: string | undefined;
  const outside = await startOutside({ port: 0, metrics: new Metrics(), unhealthy: () => why });
  const get = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${outside.port}${path}`, { method });
  try {
    assert.is(await (await get('/healthz')).text(), 'ok\n');
    why = 'draining';
    const ill = await get('/healthz?verbose');
    assert.is(ill.status, 503);
    assert.is(await ill.text(), 'draining\n');
    assert.is((await get('/')).status, 404);
    assert.is((await get('/metrics', 'POST')).status, 405);
    const taken = await startOutside({ port: outside.port, metrics: new Metrics() }).catch(String);
    assert.match(String(taken), `cannot listen on 127.0.0.1:${outside.port}`);
  } finally {
    await outside.close();
  }
});

test('the log has a line for each statement, without its text and without values', async () => {
  const path = join(folder, 'statements.log');
  {
    await using engine = await open();
    const log = await StatementLog.to(path);
    log.watch(engine);
    await engine.query(MAP, undefined, { origin: 'test' });
    await engine.query("SELECT 'canary-secret' FROM nowhere").catch(() => {});
    await log.close();
  }
  assert.is(statSync(path).mode & 0o777, 0o600);
  const text = readFileSync(path, 'utf8');
  assert.not.match(text, 'canary');
  const [map, failed, ...more] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(more, []);
  assert.is(map.kind, 'map');
  assert.is(map.origin, 'test');
  assert.is(map.outcome, 'complete');
  assert.equal(map.rows, { in: 5, ok: 5, null: 0, failed: 0, skipped: 0 });
  assert.equal(map.calls, { sent: 5, retried: 0, stored: 0 });
  assert.equal(map.tokens, { in: 50, out: 10 });
  assert.is(map.cost_micro_usd, 60);
  assert.match(map.time, /^\d{4}-\d\d-\d\dT/);
  assert.is(failed.outcome, 'failed');
  assert.is(failed.code, 'RVB_SQL');
  const refused = await StatementLog.to(join(folder, 'no', 'such', 'folder')).catch(String);
  assert.match(String(refused), 'cannot write the log');
});

test.run();
