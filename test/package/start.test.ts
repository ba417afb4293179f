/** What a process loads: the packages that its statements need, and no others. */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const exec = promisify(execFile);
const TELLS = `const Module = require('node:module');
const load = Module._load;
Module._load = function (name) {
  if (/^[@a-z]/.test(name) && !Module.isBuiltin(name)) process.stderr.write('loads ' + name + '\\n');
  return load.apply(this, arguments);
};`;

async function loaded(sql: string): Promise<string[]> {
  const hook = join(tmpdir(), `rvbbit-loads-${process.pid}.cjs`);
  writeFileSync(hook, TELLS);
  try {
    const { stderr } = await exec(
      process.execPath,
      ['-r', hook, 'dist/bundle/rvbbit.js', '--no-state', '-c', sql],
      { cwd: root },
    );
    return [...stderr.matchAll(/^loads (\S+)$/gm)].map((match) => match[1]!);
  } finally {
    rmSync(hook);
  }
}

test('plain SQL loads DuckDB; a MAP loads what reads, checks and runs its cascade', async () => {
  const cascades = ['piscina'];
  const plain = await loaded('SELECT 1');
  assert.ok(plain.includes('@duckdb/node-bindings'));
  for (const name of cascades) assert.not(plain.includes(name), name);
  const map = await loaded(
    "RVBBIT MAP 'examples/cascades/price_band.yaml' USING (SELECT 5.0 AS price)",
  );
  for (const name of cascades) assert.ok(map.includes(name), name);
});

test.run();
