/** `rvbbit ops`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { operatorFile } from '../operators/support.ts';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder } from './spawn.ts';

async function within(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = makeFolder(files);
  try {
    await use(folder);
  } finally {
    removeFolder(folder);
  }
}

test('ops list gives an operator a row, the user ones with their file', async () => {
  await within({ 'operators/rhymes.yaml': operatorFile() }, async (cwd) => {
    const { code, stdout, stderr } = await rvbbitHere(['ops', 'list', '--format', 'jsonl'], {
      cwd,
    });
    assert.equal([code, stderr], [0, '']);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const of = (name: string) => rows.find((row) => row.name === name);
    assert.equal(of('MEANS'), {
      name: 'MEANS',
      shape: 'SCALAR',
      spellings: 'text MEANS criterion; text MATCHES criterion',
      arguments: 'text VARCHAR, criterion VARCHAR',
      returns: 'BOOLEAN',
      source: 'built-in',
      description: 'Whether a text meets a criterion, by its meaning.',
    });
    assert.equal(of('RHYMES'), {
      name: 'RHYMES',
      shape: 'SCALAR',
      spellings: 'text RHYMES other',
      arguments: 'text VARCHAR, other VARCHAR',
      returns: 'BOOLEAN',
      source: 'operators/rhymes.yaml',
      description: null,
    });
    assert.equal(
      rows.map(({ name }) => name),
      rows.map(({ name }) => name).sort(),
    );
  });
});

test('ops list shows what is broken with its place, and exits with 1', async () => {
  await within({ 'operators/rhymes.yaml': operatorFile({ returns: 'BOOLEEN' }) }, async (cwd) => {
    const { code, stdout, stderr } = await rvbbitHere(['ops', 'list', '--format', 'jsonl'], {
      cwd,
    });
    assert.is(code, 1);
    assert.match(stdout, /"name":"RHYMES".*"description":"broken: operators\/rhymes\.yaml:3:12 /);
    assert.match(stdout, /"name":"MEANS"/);
    assert.match(stderr, /RVB_CASCADE_INVALID: .*\n.*rhymes\.yaml:3:12 'BOOLEEN' is not a type/);
    const shown = await rvbbitHere(['ops', 'show', 'rhymes'], { cwd });
    assert.is(shown.code, 1);
    assert.match(shown.stdout, /returns: BOOLEEN/);
  });
});

test('ops show prints the file under its signature, by any of its names', async () => {
  await within({}, async (cwd) => {
    for (const name of ['MEANS', 'matches', 'semantic_means']) {
      const { code, stdout } = await rvbbitHere(['ops', 'show', name], { cwd });
      assert.is(code, 0);
      assert.match(
        stdout,
        /^# MEANS\(text VARCHAR, criterion VARCHAR\) → BOOLEAN; text MEANS criterion;/,
      );
      assert.match(stdout, /\ncascade_id: semantic_means\n/);
    }
    const near = await rvbbitHere(['ops', 'show', 'MEENS'], { cwd });
    assert.is(near.code, 2);
    assert.match(near.stderr, /there is no operator 'MEENS'\n.*did you mean MEANS\?/);
  });
});

test('ops eject copies a built-in file, which then counts, and overwrites none unasked', async () => {
  await within({}, async (cwd) => {
    const file = join(cwd, 'operators', 'translated.yaml');
    const first = await rvbbitHere(['ops', 'eject', 'TRANSLATED TO'], { cwd });
    assert.is(first.code, 0);
    assert.match(first.stderr, /wrote .*translated\.yaml/);
    const text = readFileSync(file, 'utf8');
    const { stdout } = await rvbbitHere(['ops', 'list', '--format', 'csv'], { cwd });
    assert.match(stdout, /TRANSLATED,.*operators\/translated\.yaml/);
    const again = await rvbbitHere(['ops', 'eject', 'translated_to'], { cwd });
    assert.is(again.code, 2);
    assert.match(again.stderr, /is there already\n.*--force overwrites it/);
    writeFileSync(file, text.replace('You translate', 'You carefully translate'));
    assert.is(
      (await rvbbitHere(['ops', 'eject', 'translated_to', '--force', '-q'], { cwd })).code,
      0,
    );
    assert.is(readFileSync(file, 'utf8'), text);
  });
});

test('ops eject writes over the file that overrides the operator, not beside it', async () => {
  const mine = operatorFile({ name: 'MEANS' });
  await within({ 'operators/mine.yaml': mine }, async (cwd) => {
    const refused = await rvbbitHere(['ops', 'eject', 'means'], { cwd });
    assert.is(refused.code, 2);
    assert.match(refused.stderr, /mine\.yaml is there already/);
    assert.is(readFileSync(join(cwd, 'operators/mine.yaml'), 'utf8'), mine);
    assert.is((await rvbbitHere(['ops', 'eject', 'means', '--force'], { cwd })).code, 0);
    assert.not.ok(existsSync(join(cwd, 'operators/means.yaml')));
  });
});

test('an ejected file passes its own cases where a model answers, and is a cascade like others', async () => {
  await within({}, async (cwd) => {
    await rvbbitHere(['ops', 'eject', 'SOUNDS_LIKE'], { cwd });
    const { code, stdout } = await rvbbitHere(['test'], { cwd });
    assert.is(code, 0);
    assert.match(stdout, /ok operators\/sounds_like\.yaml: two spellings of a name/);
    assert.match(stdout, /\n13 passed, 0 failed\n/);
  });
});

test('ops with other words is wrong usage', async () => {
  for (const [args, message] of [
    [[], /ops needs a word/],
    [['shew', 'MEANS'], /there is no ops shew/],
    [['show'], /ops show needs a name/],
    [['list', 'MEANS'], /'MEANS' is left over/],
    [['eject', 'MEANS', 'ABOUT'], /'ABOUT' is left over/],
  ] as const) {
    const { code, stderr } = await rvbbitHere(['ops', ...args]);
    assert.is(code, 2);
    assert.match(stderr, message);
  }
});

test.run();
