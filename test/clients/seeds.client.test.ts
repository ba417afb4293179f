/** The statements of the notes, as they stand, through psql on the port that the notes name; and what PARALLEL gains there. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeFolder, removeFolder, rvbbit } from '../cli/spawn.ts';
import { NOT_RUNNING, seedStatements } from '../conformance/seed-statements.ts';
import { openShop, portOf, startServer, stopServer } from './shop.ts';

const PORT = 15_432;
const root = fileURLToPath(new URL('../../../', import.meta.url));
const exec = promisify(execFile);

/** Runs a statement through psql. Gives what it printed, or its error. */
async function psql(port: number, sql: string): Promise<{ printed: string; error: string }> {
  const where = `postgresql://rvbbit@127.0.0.1:${port}/default`;
  return exec('psql', ['-X', '-A', '-t', where, '-c', sql]).then(
    ({ stdout }) => ({ printed: stdout, error: '' }),
    ({ stderr }: { stderr: string }) => ({ printed: '', error: stderr }),
  );
}

test('every statement of the notes runs through psql, but for those that cannot run', async () => {
  const folder = makeFolder({});
  const database = join(folder, 'notes.duckdb');
  const made = await rvbbit([database, '-f', `${root}examples/tables.sql`], { cwd: root });
  assert.is(made.code, 0, made.stderr);
  const server = startServer(root, [
    ...[database, '--port', String(PORT)],
    ...['--state-dir', join(folder, 'state')],
  ]);
  try {
    const port = await portOf(server);
    const refused: string[] = [];
    for (const { id, sql, block } of seedStatements) {
      // A block that makes its own table runs where there is none yet.
      if (/CREATE TABLE/.test(block) && /CREATE TABLE/.test(sql))
        await psql(port, 'DROP TABLE test');
      const { error } = await psql(port, sql);
      if (error === '') continue;
      refused.push(id);
      assert.ok(id in NOT_RUNNING, `${id}: ${error}`);
    }
    assert.equal(refused.sort(), Object.keys(NOT_RUNNING).sort());
    const tried = seedStatements.filter(({ block }) => block.includes('FROM (VALUES'));
    const [batch, sequential, parallel] = await Promise.all(
      tried.map(async ({ sql }) => (await psql(port, sql)).printed),
    );
    assert.match(batch!, /"status": ?"success".*"row_count": ?3/);
    const names = ['Apple', 'Samsung', 'Sony', 'Google', 'OnePlus'];
    for (const printed of [sequential!, parallel!]) {
      assert.equal(
        printed
          .trim()
          .split('\n')
          .map((line) => line.split('|')[1]),
        names,
      );
    }
    console.log(
      `       cases: ${seedStatements.length} statements, ${refused.length} of them refused`,
    );
  } finally {
    await stopServer(server);
    removeFolder(folder);
  }
});

test('PARALLEL 5 over five rows takes a fraction of the time through psql', async () => {
  const shop = await openShop({});
  try {
    const timed = async (modifier: string) => {
      const rows = '(SELECT i FROM range(5) AS r(i)) WITH (cache = false)';
      const startMs = performance.now();
      const { error } = await psql(shop.port, `RVBBIT MAP ${modifier} 'slow.yaml' USING ${rows}`);
      assert.is(error, '');
      return performance.now() - startMs;
    };
    await timed('PARALLEL 5');
    const [sequential, parallel] = [await timed(''), await timed('PARALLEL 5')];
    console.log(
      `       cases: 2 statements, a speed-up of ${(sequential / parallel).toFixed(1)} at n = 5`,
    );
    assert.ok(sequential / parallel > 2);
  } finally {
    await shop.close();
  }
});

test.run();
