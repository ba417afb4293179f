/** `rvbbit log`: calls as lines, those that were and those to come. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type ModelFunction } from '../../src/index.ts';
import { makeFolder, removeFolder, rvbbit } from './spawn.ts';

const folder = makeFolder({
  'ask.yaml': 'cells: [{ name: say, instructions: "Say {{ input.v }}" }]\n',
});
const stateDir = join(folder, 'state');
const model: ModelFunction = async ({ messages }) => {
  if (/3/.test(String(messages.at(-1)!.content))) throw new Error('no\nanswer');
  return { text: 'said', finishReason: 'stop', usage: { inputTokens: 5, outputTokens: 2 } };
};
const engine = await Engine.open({
  cascades: folder,
  stateDir,
  threads: 1,
  model,
  modelPrice: { inputPerMtok: 1_000, outputPerMtok: 1_000 },
});
test.after(async () => {
  await engine.close();
  removeFolder(folder);
});
const map = (from: number) =>
  engine.query(`RVBBIT MAP 'ask.yaml' USING (SELECT i AS v FROM range(${from}, ${from + 4}) r(i))`);

test('a line a call, the latest ones', async () => {
  await map(0);
  const { code, stdout } = await rvbbit(['log', '--state-dir', stateDir]);
  const lines = stdout.trim().split('\n');
  assert.equal([code, lines.length], [0, 4]);
  assert.match(
    lines[0]!,
    /^\d\d:\d\d:\d\d\.\d{3} udf-\w+-\w+-[0-9a-f]{6} #1 function\/model ask\.yaml: say \d+ ms, 5\+2 tokens, \$0\.0070, ok$/,
  );
  assert.match(lines.at(-1)!, /#4 .* RVB_MODEL_HTTP: .*no.*answer/);
  const two = await rvbbit(['log', '--limit', '2', '--state-dir', stateDir]);
  assert.equal(two.stdout.trim().split('\n'), lines.slice(-2));
});

test('-f shows what follows, --verbose what is around it, until Ctrl-C', async () => {
  const { code, stdout } = await rvbbit(['log', '-f', '--verbose', '--state-dir', stateDir], {
    during: async (child) => {
      await new Promise((resolve) => child.stdout!.once('data', resolve));
      await map(10);
      await map(10);
      await new Promise((resolve) => setTimeout(resolve, 600));
      child.kill('SIGINT');
    },
  });
  assert.is(code, 0);
  for (const part of [
    /begins, 1 at a time: RVBBIT MAP 'ask\.yaml'/,
    /4 rows read, 4 runs/,
    /goes out on lane 1/,
    /runs 0 to \d+ done/,
    /complete after \d+ ms, 1 calls/,
  ]) {
    assert.match(stdout, part);
  }
  // Hits are counted chunk by chunk, so there may be several lines.
  const used = [...stdout.matchAll(/(\d+) stored answers? of say used/g)].map(([, count]) =>
    Number(count),
  );
  assert.is(
    used.reduce((sum, count) => sum + count, 0),
    3,
  );
});

test('what is wrong is said', async () => {
  assert.is((await rvbbit(['log', '--state-dir', join(folder, 'none')])).code, 3);
  assert.is((await rvbbit(['log', 'x', '--state-dir', stateDir])).code, 2);
  // The letter is the file of SQL elsewhere.
  assert.is((await rvbbit(['-f', join(folder, 'none.sql')])).code, 3);
});

test.run();
