/** `rvbbit test`. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder } from './spawn.ts';

const js = (code: string, rest = '') =>
  `cascade_id: one\ncells:\n  - { name: a, tool: js, inputs: { code: '${code}' } }\n${rest}`;
const TWICE =
  'test_cases: [{ input: { n: 2 }, expect: 4 }, { name: wrong, input: { n: 3 }, expect: 7 }]\n';

const folder = makeFolder({
  'twice.yaml': js('return input.n * 2;', TWICE),
  'untested.yaml': js('return 1;'),
  'a/one.yaml': js('return 1;', 'test_cases: [{ input: {}, expect: 1 }]\n'),
  'misspelt/names.yaml': `cascade_id: names\ncells:\n  - { name: ask, instructions: "{{ inputs.n }}" }\n`,
  'b/one.yaml': js('return 2;', 'test_cases: [{ input: {}, expect: 1 }]\n'),
});
const run = (args: readonly string[], cwd = folder) =>
  rvbbitHere(['test', '--threads', '1', ...args], { cwd });

test.after(() => removeFolder(folder));

test('test runs the cases and shows what was expected and what came', async () => {
  const { code, stdout } = await run(['twice.yaml']);
  assert.is(
    stdout,
    'ok twice.yaml: case 1\nnot ok twice.yaml: wrong\n  input     {"n":3}\n  expected  7\n  got       6\n1 passed, 1 failed\n',
  );
  assert.is(code, 1);
  assert.is((await run(['untested.yaml'])).code, 2);
});

test('test takes cascades of several roots, and tells them apart', async () => {
  const both = await run(['one.yaml', '../b/one.yaml'], join(folder, 'a'));
  assert.match(both.stdout, /^ok one\.yaml: case 1\nnot ok \.\.\/b\/one\.yaml: case 1\n/);
});

test('test and run take a cascade without its suffix', async () => {
  const tested = await run(['a/one']);
  assert.is(tested.stdout, 'ok a/one: case 1\n1 passed, 0 failed\n');
  const ran = await rvbbitHere(['run', '../b/one', '--quiet'], { cwd: join(folder, 'a') });
  assert.is(ran.stdout, '2\n');
});

test('test, run, doctor and a statement say the same of a misspelt name', async () => {
  const cwd = join(folder, 'misspelt');
  const said = /names\.yaml:3:36 unknown name inputs; did you mean input\?/;
  const map = "RVBBIT MAP 'names' USING (SELECT 1 AS n)";
  const [tested, ran, doctor, statement] = await Promise.all(
    [['test'], ['run', 'names'], ['doctor'], ['-c', map]].map((args) => rvbbitHere(args, { cwd })),
  );
  assert.match(tested!.stderr, said);
  assert.match(ran!.stderr, said);
  assert.match(doctor!.stdout, said);
  assert.match(statement!.stderr, said);
});

test('a folder is told to be the root', async () => {
  const { code, stderr } = await run(['a']);
  assert.is(code, 2);
  assert.match(stderr, 'next: rvbbit test --cascades a\n');
});

test.run();
