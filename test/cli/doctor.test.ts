/** `rvbbit doctor`. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder } from './spawn.ts';

const CELLS = `cells:\n  - { name: a, tool: js, inputs: { code: 'return 1;' } }\n`;
const folder = makeFolder({
  'files/one.yaml': `cascade_id: one\n${CELLS}`,
  'files/two.yaml': `cascade_id: two\n${CELLS}`,
  'files/broken/broken.yaml': 'cascade_id: broken\ncells: nonsense\n',
  'empty/.rvbbit': 'no folder',
});

test.after(() => removeFolder(folder));

test('doctor runs a cascade and reads every cascade file', async () => {
  const args = ['doctor', '--json', '--cascades', 'files'];
  const { code, stdout } = await rvbbitHere(args, { cwd: folder });
  const report = JSON.parse(stdout) as {
    ok: boolean;
    checks: { name: string; ok: boolean; detail: string }[];
  };
  assert.equal(
    report.checks.filter(({ ok }) => !ok).map(({ name }) => name),
    ['cascade files'],
  );
  assert.match(
    report.checks.find(({ name }) => name === 'cascade files')!.detail,
    /2\/3 valid[\s\S]*broken/,
  );
  assert.is(code, 1);
  assert.equal(readdirSync(folder).sort(), ['empty', 'files'], 'it leaves nothing behind');
});

test('doctor needs no state folder, and looks at what it is for', async () => {
  const { code, stdout } = await rvbbitHere(['doctor'], { cwd: join(folder, 'empty') });
  assert.match(stdout, /^ok +worker threads +a cascade ran/m);
  assert.is(code, 0);
});

test('doctor takes no words', async () => {
  const { code, stderr } = await rvbbitHere(['doctor', 'json'], { cwd: folder });
  assert.is(code, 2);
  assert.match(stderr, "'json' is left over");
});

test.run();
