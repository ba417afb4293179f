/** `scripts/live-smoke.mjs` against a simulated server in the place of each service: it runs, and finds what is otherwise. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startSimulator } from '../../src/testing.ts';

const SCRIPT = fileURLToPath(new URL('../../../scripts/live-smoke.mjs', import.meta.url));

function smoke(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [SCRIPT], { env: { PATH, ...env }, timeout: 60_000 });
  let output = '';
  const add = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', add);
  child.stderr.on('data', add);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

test('without a key it says what to set', async () => {
  const { code, output } = await smoke({});
  assert.is(code, 2);
  assert.match(output, 'Set OPENAI_API_KEY');
});

for (const [id, envOf] of [
  ['openai', (url: string) => ({ OPENAI_BASE_URL: url, OPENAI_API_KEY: 'k' })],
  ['anthropic', (url: string) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'k' })],
] as const) {
  test(`ten calls to ${id}: what is like the simulator is told apart from what is not`, async () => {
    // This one takes any key, which a service does not.
    await using service = await startSimulator({
      rules: [
        { when: { model: 'no-such-model-at-all' }, status: 404 },
        { when: { contains: 'Count from' }, answer: 'word '.repeat(100) },
        { answer: 'yes' },
      ],
    });
    const { code, output } = await smoke(envOf(service.url));
    assert.is(code, 1, output);
    assert.is(output.match(/^ {2}same /gm)?.length, 9, output);
    assert.match(output, /OTHER {2}a wrong key\n {4}outcome: ok, and RVB_MODEL_HTTP simulated/);
    assert.match(output, /1 of 10 differ; \$0\.\d{6}/);
    assert.is(service.ledger().totals.calls, 10);
  });
}

test.run();
