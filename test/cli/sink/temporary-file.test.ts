/** Temporary files beside `-o`: those of killed runs go with the next run, all others stay. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FileSink, placeOutput } from '../../../src/cli/sink/file-sink.ts';

const SINK = fileURLToPath(new URL('../../../src/cli/sink/file-sink.js', import.meta.url));

/** Writes to a file in a process of its own, which is killed before the file is whole. */
function writeAndDie(path: string): void {
  const script = `
    const { FileSink } = await import(${JSON.stringify(SINK)});
    const sink = await FileSink.open(${JSON.stringify(path)}, () => {});
    await sink.write('half');
    await sink.flush();
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.is(signal, 'SIGKILL');
}

test('what a killed run left beside its file goes with the next run that writes the file, nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-sink-'));
  try {
    const path = join(folder, 'out.jsonl');
    writeAndDie(path);
    writeAndDie(join(folder, 'other.jsonl'));
    const left = readdirSync(folder);
    assert.is(left.length, 2);
    const [dead = ''] = left.filter((name) => name.startsWith('out.jsonl.'));
    // Of a process that runs, of another machine, and of the user.
    const alive = dead.replace(/-\d+-/, `-${process.ppid}-`);
    const elsewhere = dead.replace(/\.[0-9a-f]{8}-/, '.00000000-');
    const kept = [alive, elsewhere, 'out.jsonl.tmp', 'out.jsonl.bak', `my-${dead}`];
    for (const name of kept) writeFileSync(join(folder, name), 'kept');
    const sink = await FileSink.open(path, () => {});
    const [own = ''] = readdirSync(folder).filter((name) => name.includes(`-${process.pid}-`));
    assert.ok(own.startsWith('out.jsonl.'), own);
    await placeOutput(path);
    assert.ok(readdirSync(folder).includes(own), 'a process does not take its own for a leftover');
    await sink.write('whole');
    await sink.close();
    assert.is(readFileSync(path, 'utf8'), 'whole');
    const [other = ''] = left.filter((name) => name.startsWith('other.jsonl.'));
    assert.equal(readdirSync(folder).sort(), [...kept, other, basename(path)].sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
