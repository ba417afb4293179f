/** How many connections a model server sees from an engine: from each worker, never more than calls were in flight at once. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { type SimulatorProcess, spawnSimulator } from '../../src/sim/spawn.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { cases, mulberry, reportCases, seed } from '../support/cases.ts';

const cascades = makeFolder({
  'ask.yaml': `cascade_id: ask
inputs_schema: { v: a value }
cells: [{ name: ask, instructions: "About {{ input.v }}" }]
`,
});
test.after(() => removeFolder(cascades));

/** The time of a call. */
const DELAY_MS = 30;
/** The connection on which a test asks the server. */
const CONTROL = 1;

function open(server: SimulatorProcess, threads: number): Promise<Engine> {
  return Engine.open({
    cascades,
    threads,
    providers: { sim: { baseUrl: server.url } },
    model: 'sim/m',
  });
}

test('a thousand statements at PARALLEL 50 with one unknown row: at most 51 connections', async () => {
  await using server = await spawnSimulator({});
  await using engine = await open(server, 2);
  const ask = (from: number) =>
    engine.query(
      `RVBBIT MAP PARALLEL 50 'ask.yaml' USING (SELECT 'thing ' || i AS v FROM range(${from}, ${from + 10}) r(i))`,
    );
  await ask(0);
  const sessions = Array.from({ length: 10 }, async (_, session) => {
    for (let at = 0; at < 100; at++) await ask(at === 0 && session === 0 ? 1 : 0);
  });
  await Promise.all(sessions);
  const { totals, server: seen } = await server.summary();
  reportCases(1_000, `statements: ${totals.calls} calls, ${seen.mostConnections} connections`);
  assert.is(totals.calls, 11);
  assert.ok(seen.mostConnections <= 10 + CONTROL, `${seen.mostConnections} connections`);
});

for (const threads of [1, 2]) {
  test(`any sequence of statements, ${threads} threads: a thread has no more connections than calls were in flight at once`, async () => {
    const draw = mulberry(seed + threads);
    const upTo = (most: number) => Math.floor(draw() * (most + 1));
    const sequences = cases(5, 100);
    let statements = 0;
    for (let at = 0; at < sequences; at++) {
      await using server = await spawnSimulator({ latency: { kind: 'constant', ms: DELAY_MS } });
      await using engine = await open(server, threads);
      const inFlight = { now: 0, most: 0 };
      engine.events.on('attempt.start', () => {
        inFlight.now += 1;
        inFlight.most = Math.max(inFlight.most, inFlight.now);
      });
      engine.events.on('attempt.end', () => {
        inFlight.now -= 1;
      });
      const session = async (id: number) => {
        await using own = await engine.session();
        for (let left = 1 + upTo(4); left > 0; left--) {
          const rows = upTo(80);
          const from = draw() < 0.5 ? 0 : 1_000 * (1 + upTo(50)) + id * 100;
          const parallel = 1 + upTo(60);
          const values = `(SELECT 'thing ' || i AS v FROM range(${from}, ${from + rows}) r(i))`;
          const sql =
            draw() < 0.6
              ? `RVBBIT MAP PARALLEL ${parallel} 'ask.yaml' USING ${values}`
              : `-- @ parallel: ${parallel}\nSELECT count(*) FROM ${values} WHERE v MEANS 'odd'`;
          await own.query(sql);
          statements += 1;
        }
      };
      await Promise.all(Array.from({ length: 1 + upTo(3) }, (_, id) => session(id)));
      const { totals, server: seen } = await server.summary();
      assert.is(inFlight.now, 0);
      assert.ok(
        seen.mostConnections <= threads * inFlight.most + CONTROL,
        `seed ${seed}, sequence ${at}: ${seen.mostConnections} connections, ${totals.calls} calls, ${inFlight.most} at once`,
      );
    }
    reportCases(statements, `statements in ${sequences} sequences, ${threads} threads`);
  });
}

test('with 256 descriptors, 16 sessions of MAP do not take those of their neighbours', async () => {
  const child = fileURLToPath(new URL('./few-descriptors.child.js', import.meta.url));
  await using server = await spawnSimulator({ latency: { kind: 'constant', ms: DELAY_MS } });
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', 'ulimit -n 256; exec "$0" "$@"', process.execPath, child, server.url, cascades],
    { timeout: 40_000 },
  );
  const said = JSON.parse(stdout) as {
    readonly failures: readonly string[];
    readonly rows: number;
    readonly neighbours: number;
  };
  const { totals, server: seen } = await server.summary();
  reportCases(said.neighbours, `statements beside, ${seen.mostConnections} connections at most`);
  assert.equal(said.failures, []);
  assert.is(said.rows, 16 * 100);
  assert.is(totals.calls, 16 * 100);
  assert.ok(seen.mostConnections <= 128 + CONTROL, `${seen.mostConnections} connections`);
  assert.ok(seen.mostConnections > 64, 'the half of the descriptors is used');
});

test.run();
