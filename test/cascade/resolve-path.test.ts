import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCascade } from '../../src/cascade/load-cascade.ts';
import { readRootFile } from '../../src/cascade/resolve-path.ts';
import { RvbbitError } from '../../src/errors.ts';
import { cases, reportCases } from '../support/cases.ts';

const TEXT = 'cells: [{ name: a, tool: js, inputs: { code: return 1 } }]\n';
const SECRET = 'cells: [{ name: secret, tool: js, inputs: { code: return 2 } }]\n';
const base = mkdtempSync(join(tmpdir(), 'rvbbit-path-'));
const root = join(base, 'root');

test.before(() => {
  mkdirSync(join(root, 'sub', 'deep'), { recursive: true });
  mkdirSync(join(root, 'folder.yaml'));
  for (const name of ['good.yaml', 'other.yml', 'sub/inner.yaml', 'sub/deep/Case.yaml']) {
    writeFileSync(join(root, name), TEXT);
  }
  writeFileSync(join(root, '%2e%2e.yaml'), TEXT);
  writeFileSync(join(base, 'secret.yaml'), SECRET);
  symlinkSync('good.yaml', join(root, 'inside.yaml'));
  symlinkSync('../secret.yaml', join(root, 'outside.yaml'));
  symlinkSync('..', join(root, 'up'));
  symlinkSync('/proc/self/environ', join(root, 'environ.yaml'));
  symlinkSync('/dev/zero', join(root, 'zero.yaml'));
  symlinkSync('loop.yaml', join(root, 'loop.yaml'));
  symlinkSync('nothing.yaml', join(root, 'dangling.yaml'));
  execFileSync('mkfifo', [join(root, 'fifo.yaml')]);
});

test.after(() => rmSync(base, { recursive: true }));

async function codeOf(path: string): Promise<string> {
  try {
    await loadCascade(root, path);
    return 'loaded';
  } catch (error) {
    return error instanceof RvbbitError ? error.code : String(error);
  }
}

test('names inside the root load, in any spelling of the same place', async () => {
  const good = ['good.yaml', './good.yaml', 'other.yml', 'sub/inner.yaml', 'sub//inner.yaml'];
  for (const name of [...good, 'sub/./deep/Case.yaml', 'inside.yaml', '%2e%2e.yaml']) {
    assert.is(await codeOf(name), 'loaded', name);
  }
  assert.is((await loadCascade(root, './sub//inner.yaml')).file, 'sub/inner.yaml');
});

test('a file above 256 KiB is refused with its size, and not cut', async () => {
  writeFileSync(join(root, 'large.js'), `return 1 //${'x'.repeat(300_000)}`);
  writeFileSync(join(root, 'large.yaml'), `${TEXT}#${'x'.repeat(300_000)}`);
  const code = 'cells: [{ name: a, tool: js, inputs: { file: large.js } }]';
  writeFileSync(join(root, 'names-large.yaml'), code);
  const messageOf = (path: string): Promise<string> =>
    loadCascade(root, path).then(
      () => 'loaded',
      (error: RvbbitError) => `${error.code} ${error.message}`,
    );
  assert.match(await messageOf('large.yaml'), /^RVB_CASCADE_INVALID .*has 300060 bytes/);
  assert.match(await messageOf('names-large.yaml'), /^RVB_CASCADE_INVALID .*has 300011 bytes/s);
});

test('a root that is not there is named', async () => {
  const missing = join(base, 'no-root');
  await loadCascade(missing, 'good.yaml').then(
    () => assert.unreachable(),
    (error: RvbbitError) => {
      assert.is(error.code, 'RVB_CASCADE_NOT_FOUND');
      assert.match(error.message, missing);
    },
  );
});

test('names that lead anywhere else are denied', async () => {
  const denied =
    `../secret.yaml|sub/../../secret.yaml|sub/../good.yaml|..|../root/good.yaml|./../secret.yaml
/etc/passwd|/etc/passwd.yaml|//host/share.yaml|${join(base, 'secret.yaml')}|${join(root, 'good.yaml')}|/proc/self/environ
C:/x.yaml|c:x.yaml|C:\\x.yaml|..\\secret.yaml|sub\\inner.yaml|\\\\host\\share\\x.yaml|\\\\?\\C:\\x.yaml
file:///etc/passwd|file:good.yaml|file://good.yaml|FILE:good.yaml|http://h/x.yaml|https://h/x.yaml|data:text/yaml,a|node:fs.yaml
outside.yaml|up/secret.yaml|up/root/../secret.yaml|environ.yaml|zero.yaml|loop.yaml|fifo.yaml|folder.yaml
.|./|/|//|sub/..|....//../x.yaml|a/../../b.yaml|good.yaml/../../secret.yaml`.split(/[|\n]/);
  denied.push('', 'a\0.yaml', 'good.yaml\0', 'good\n.yaml', 'a\rb.yaml', '\u001b[31m.yaml');
  denied.push(`${'a'.repeat(300)}.yaml`, `${'a/'.repeat(600)}x.yaml`, `${'é'.repeat(130)}.yaml`);
  for (const name of denied) assert.is(await codeOf(name), 'RVB_PATH_DENIED', JSON.stringify(name));
  const missing =
    `%2e%2e/secret.yaml|%2e%2e%2fsecret.yaml|..%2fsecret.yaml|.../secret.yaml|GOOD.yaml|good.yaml.yaml
good.yaml/x.yaml|dangling.yaml|~/x.yaml|$HOME/x.yaml|good.yaml |good.json|sub|sub/deep/case.yaml`.split(
      /[|\n]/,
    );
  for (const name of missing) {
    assert.is(await codeOf(name), 'RVB_CASCADE_NOT_FOUND', JSON.stringify(name));
  }
  reportCases(denied.length + missing.length, 'path attacks');
});

test('a name without a suffix is the .yaml or .yml file of that name', async () => {
  const fileOf = async (name: string): Promise<string> => (await loadCascade(root, name)).file;
  assert.is(await fileOf('good'), 'good.yaml');
  assert.is(await fileOf('other'), 'other.yml');
  assert.is(await fileOf('./sub//inner'), 'sub/inner.yaml');
  assert.is(await fileOf('inside'), 'inside.yaml');
  // A file of exactly that name is no cascade: it lacks the suffix.
  writeFileSync(join(root, 'good'), SECRET);
  assert.is(await fileOf('good'), 'good.yaml');
  for (const name of [
    'outside',
    'up/secret',
    'environ',
    'folder',
    'fifo',
    'loop',
    '../root/good',
  ]) {
    assert.is(await codeOf(name), 'RVB_PATH_DENIED', name);
  }
  for (const name of ['sub', 'dangling', 'good.yaml.', 'good.yam']) {
    assert.is(await codeOf(name), 'RVB_CASCADE_NOT_FOUND', name);
  }
});

test('a name that two files fit is an error that names both', async () => {
  const write = (name: string, text: string): void => writeFileSync(join(root, name), text);
  write('fast.yaml', TEXT);
  write('fast.yml', TEXT);
  write('names-fast.yaml', 'cells: [{ name: a, tool: fast }]');
  const both = /'fast' fits two cascades, 'fast\.yaml' and 'fast\.yml'; write the suffix/;
  for (const name of ['fast', 'names-fast']) {
    const error = await loadCascade(root, name).catch((thrown: Error) => thrown);
    assert.match((error as Error).message, both);
  }
  assert.is((await loadCascade(root, 'fast.yml')).file, 'fast.yml');
  rmSync(join(root, 'fast.yml'));
  const { nested } = await loadCascade(root, 'names-fast');
  assert.is(nested['fast']?.file, 'fast.yaml');
});

test('a name that is not there is answered with what is', async () => {
  const message = async (path: string): Promise<string> =>
    loadCascade(root, path).then(
      () => '',
      (error: Error) => error.message,
    );
  assert.match(
    await message('godo'),
    /no cascade 'godo\.yaml' or 'godo\.yml' .*did you mean 'good'\?/,
  );
  assert.match(await message('inner'), "did you mean 'sub/inner'?");
  assert.match(await message('godo.yaml'), "did you mean 'good.yaml'?");
  assert.match(await message('inner.yaml'), "did you mean 'sub/inner.yaml'?");
  assert.match(await message('nothing_like_it.yaml'), 'there are ');
});

test('a link swapped in between the check and the open is never followed', async () => {
  const count = cases(80, 20_000);
  const target = join(root, 'swapped');
  mkdirSync(join(base, 'evil'));
  mkdirSync(join(root, 'swapped'));
  writeFileSync(join(base, 'evil', 'x.yaml'), SECRET);
  writeFileSync(join(target, 'x.yaml'), TEXT);
  symlinkSync('../evil', join(root, 'link'));
  let isLink = false;
  for (let i = 0; i < count; i++) {
    const reading = readRootFile(root, 'swapped/x.yaml').catch((error: RvbbitError) => error.code);
    for (let turn = 0; turn < i % 7; turn++) await new Promise((resolve) => setImmediate(resolve));
    renameSync(target, join(root, isLink ? 'link' : 'plain'));
    renameSync(join(root, isLink ? 'plain' : 'link'), target);
    isLink = !isLink;
    const text = String((await reading) ?? '');
    assert.not.match(text, 'secret', `round ${i}`);
  }
  reportCases(count, 'swapped links');
});

test.run();
