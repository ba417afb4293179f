/** A cascade that was loaded is not read again until one of its files changes. */
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCascade } from '../../src/cascade/load-cascade.ts';

const root = mkdtempSync(join(tmpdir(), 'rvbbit-kept-'));
test.after(() => rmSync(root, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(root, name), text);
const cell = (inputs: string) => `cells:\n  - { name: a, tool: js, inputs: ${inputs} }\n`;
/** Longer than a file system's clock may stand still. */
const settled = () => sleep(60);

test('a cascade is the same object while its files stay, and another once one has changed', async () => {
  write('x.yaml', cell('{ file: x.js }'));
  write('x.js', 'return 1;');
  await settled();
  const first = await loadCascade(root, 'x.yaml');
  assert.is(await loadCascade(root, 'x.yaml'), first);
  write('x.js', 'return 2;');
  await settled();
  const second = await loadCascade(root, 'x.yaml');
  assert.is.not(second.hash, first.hash);
  assert.is(await loadCascade(root, 'x.yaml'), second);
});

test('a change of a nested cascade counts, and one that keeps size and time', async () => {
  write('inner.yaml', cell('{ code: return 1 }'));
  write('outer.yaml', 'cells:\n  - { name: a, tool: inner.yaml }\n');
  await settled();
  const first = await loadCascade(root, 'outer.yaml');
  const old = new Date(0);
  write('inner.yaml', cell('{ code: return 2 }'));
  utimesSync(join(root, 'inner.yaml'), old, old);
  assert.is.not((await loadCascade(root, 'outer.yaml')).hash, first.hash);
});

test('what was written a moment ago is read again, since it may change within one step of the clock', async () => {
  for (let n = 0; n < 30; n += 1) {
    write('quick.yaml', cell(`{ code: return ${n % 10} }`));
    const { cells } = await loadCascade(root, 'quick.yaml');
    assert.match(JSON.stringify(cells), `return ${n % 10}`);
  }
});

test('a file that appears, goes, or is linked elsewhere counts', async () => {
  write('y.yaml', cell('{ code: return 1 }'));
  await settled();
  assert.is((await loadCascade(root, 'y')).file, 'y.yaml');
  write('y.yml', cell('{ code: return 2 }'));
  const thrown = await loadCascade(root, 'y').catch((error: Error) => error.message);
  assert.match(String(thrown), 'fits two cascades');
  rmSync(join(root, 'y.yaml'));
  assert.is((await loadCascade(root, 'y')).file, 'y.yml');
  mkdirSync(join(root, 'one'));
  mkdirSync(join(root, 'two'));
  write('one/z.yaml', cell('{ code: return 1 }'));
  write('two/z.yaml', cell('{ code: return 2 }'));
  symlinkSync('one', join(root, 'now'));
  await settled();
  const first = await loadCascade(root, 'now/z.yaml');
  symlinkSync('two', join(root, 'next'));
  renameSync(join(root, 'next'), join(root, 'now'));
  assert.is.not((await loadCascade(root, 'now/z.yaml')).hash, first.hash);
});

test.run();
