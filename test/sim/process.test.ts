import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSimulator, startSimulator } from '../../src/testing.ts';
import { chat } from './support.ts';

const exec = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../bundle/rvbbit.js', import.meta.url));

test('a server in its own process is watched and scripted over HTTP', async () => {
  const sim = await spawnSimulator({ seed: 3 });
  try {
    assert.is.not(sim.pid, process.pid);
    for (let at = 1; at <= 30; at++) await chat(sim, `row ${at}`);
    const { totals, entries, server } = await sim.ledger();
    assert.is(totals.calls, 30);
    assert.equal(
      entries.map(({ ordinal }) => ordinal),
      Array.from({ length: 30 }, (_, at) => at + 1),
    );
    assert.ok(server.cpuMs > 0 && server.rssBytes > 0 && server.connections >= 1);
    assert.is((await sim.ledger(28)).entries.length, 2);
    const mark = await sim.mark();
    assert.is(mark.ordinal, 30);
    await sim.script({ rules: [{ status: 503 }] });
    assert.is((await chat(sim, 'a')).status, 503);
    const summary = await sim.summary();
    assert.equal([summary.totals.callsSinceMark, summary.entries.length], [1, 0]);
    await sim.reset();
    assert.is((await sim.summary()).totals.calls, 0);
    const problem = await sim.script({ rules: [{ nonsense: 1 }] } as object).catch(String);
    assert.match(String(problem), 'nonsense');
  } finally {
    await sim.close();
  }
  assert.throws(() => process.kill(sim.pid, 0));
});

test('a ledger longer than a page is read whole', async () => {
  await using sim = await startSimulator();
  for (let at = 1; at <= 5; at++) await chat(sim, `row ${at}`);
  const url = new URL('/sim/ledger?limit=2&since=1', sim.url);
  const page = (await (await fetch(url)).json()) as { entries: object[]; next: number };
  assert.equal([page.entries.length, page.next], [2, 3]);
  assert.is((await fetch(new URL('/sim/nothing', sim.url))).status, 404);
});

test('options that are not in order are named, and nothing starts', async () => {
  const problem = await spawnSimulator({
    seed: -1,
    rules: [{ fault: { kind: 'x' } }],
  } as object).catch(String);
  assert.match(String(problem), /seed: /);
  assert.match(String(problem), /rules\.0\.fault/);
});

/** Runs `rvbbit sim` until it has printed its last line, then `act` with all of them, then Ctrl-C. */
async function runSim(
  args: readonly string[],
  act: (url: string, lines: readonly string[]) => Promise<void>,
) {
  const child = spawn(process.execPath, [MAIN, 'sim', '--no-color', ...args]);
  let stderr = '';
  child.stderr.on('data', (part: Buffer) => {
    stderr += part;
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const exited = once(child, 'close');
  for await (const line of reader) {
    lines.push(line);
    if (!line.startsWith('export RVBBIT_MODEL=')) continue;
    await act(lines[0]!.replace('export OPENAI_BASE_URL=', ''), lines);
    child.kill('SIGINT');
  }
  const [code] = await exited;
  return { code, lines, stderr };
}

test('`rvbbit sim` prints its URL, obeys its options and ends with a summary', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rvbbit-sim-'));
  try {
    const faults = join(folder, 'faults.yaml');
    await writeFile(faults, '- when: { contains: bad }\n  status: 503\n  retryAfter: 2\n');
    const args = ['--faults', faults, '--answers', 'hash', '--rpm', '3', '--seed', '4'];
    const latency = ['--latency', 'constant:30', '--verbose'];
    const { code, lines, stderr } = await runSim([...args, ...latency], async (url) => {
      assert.match((await chat({ url }, 'good')).json.choices[0].message.content, /^[0-9a-f]{16}$/);
      const bad = await chat({ url }, 'bad');
      assert.equal([bad.status, bad.headers['retry-after']], [503, '2']);
      assert.is((await chat({ url }, 'good')).status, 200);
      assert.is((await chat({ url }, 'good')).status, 429);
    });
    assert.is(code, 0);
    assert.match(lines[0]!, /^export OPENAI_BASE_URL=http:\/\/127\.0\.0\.1:\d+\/v1$/);
    assert.equal(lines.slice(1), ['export RVBBIT_MODEL=openai/sim']);
    assert.match(stderr, /2 chat sim: 503 faulted \(status\)/);
    assert.match(stderr, '4 calls of 2 contents: 2 answered, 1 faulted, 1 limited');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a shell that runs the lines of `rvbbit sim` runs a cascade that asks a model', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rvbbit-sim-'));
  try {
    const faults = join(folder, 'faults.yaml');
    await writeFile(faults, "requireKey: a 'key'\nmodels: [small]\nrules: [{ answer: b }]\n");
    await writeFile(join(folder, 'ask.yaml'), 'cells: [{ name: ask, instructions: a or b? }]\n');
    const map = `"RVBBIT MAP 'ask.yaml' AS said USING (SELECT 1 AS n)"`;
    const { stderr } = await runSim(['--faults', faults], async (_url, lines) => {
      assert.is(lines[1], `export OPENAI_API_KEY='a '\\''key'\\'''`);
      const command = `'${process.execPath}' '${MAIN}' --threads 1 -c ${map}`;
      const { stdout } = await exec('sh', ['-c', [...lines, command].join('\n')], {
        cwd: folder,
        env: { PATH: process.env['PATH'] },
      });
      assert.is(stdout, '{"n":1,"said":"b"}\n');
    });
    assert.match(stderr, '1 calls of 1 contents: 1 answered');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('`rvbbit sim` says what is wrong with its options', async () => {
  for (const [args, code, message] of [
    [['--latency', 'fast'], 2, /--latency is one of/],
    [['--faults', '/nowhere/faults.yaml'], 3, /cannot read/],
    [['word'], 2, /'word' is left over/],
    [['--port', '99999999'], 2, /port/],
  ] as const) {
    const run = await runSim(args, async () => {});
    assert.is(run.code, code, run.stderr);
    assert.match(run.stderr, message);
  }
});

test.run();
