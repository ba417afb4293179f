/** Two processes that ask the same on one folder: each question is paid once, and a killed or stopped process holds nobody up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { reportCases } from '../support/cases.ts';

const CHILD = fileURLToPath(new URL('./asked-elsewhere.child.js', import.meta.url));
const ASK = `cascade_id: ask
inputs_schema: { v: a value }
cells: [{ name: ask, instructions: "About {{ input.v }}" }]
`;
const ROWS = 200;

interface Asking {
  readonly child: ChildProcess;
  /** Resolves with the answers of a process that ended by itself. */
  readonly answers: Promise<number | undefined>;
}

/** Starts two processes that begin to ask at once. */
async function askTwice(url: string, folder: string): Promise<readonly Asking[]> {
  const started = [1, 2].map(() => {
    const child = spawn(
      process.execPath,
      [CHILD, url, folder, join(folder, 'state'), String(ROWS)],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, lines };
  });
  for (const { lines } of started) assert.is((await lines.next()).value, 'ready');
  return started.map(({ child, lines }) => {
    child.stdin.write('go\n');
    const answers = lines
      .next()
      .then(({ value }) =>
        value === undefined
          ? undefined
          : (JSON.parse(String(value)) as { readonly answers: number }).answers,
      );
    return { child, answers };
  });
}

test('two processes ask the same 200 questions at once: hardly one is paid twice', async () => {
  const folder = makeFolder({ 'ask.yaml': ASK });
  await using server = await spawnSimulator({ latency: { kind: 'constant', ms: 50 } });
  const asking = await askTwice(server.url, folder);
  assert.equal(await Promise.all(asking.map(({ answers }) => answers)), [ROWS, ROWS]);
  const { totals } = await server.summary();
  reportCases(2 * ROWS, `questions of two processes: ${totals.calls} calls`);
  assert.ok(totals.calls <= ROWS * 1.1, `${totals.calls} calls`);
  removeFolder(folder);
});

for (const [signal, what] of [
  ['SIGKILL', 'killed'],
  ['SIGSTOP', 'stopped'],
] as const) {
  test(`one of two processes is ${what}: the other asks what is left, and has every answer`, async () => {
    const folder = makeFolder({ 'ask.yaml': ASK });
    await using server = await spawnSimulator({ latency: { kind: 'constant', ms: 300 } });
    const [struck, other] = await askTwice(server.url, folder);
    while ((await server.summary()).totals.calls < 25) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const exited = once(struck!.child, 'exit');
    struck!.child.kill(signal);
    const startedMs = performance.now();
    assert.is(await other!.answers, ROWS);
    const tookMs = performance.now() - startedMs;
    struck!.child.kill('SIGKILL');
    await exited;
    const { totals } = await server.summary();
    reportCases(ROWS, `questions, ${totals.calls} calls, ${Math.round(tookMs)} ms after ${signal}`);
    assert.ok(totals.calls <= ROWS + 10 + ROWS * 0.1, `${totals.calls} calls`);
    assert.ok(tookMs < 20_000);
    removeFolder(folder);
  });
}

test.run();
