import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import { rejection, rowsOf, withFolder } from './support.ts';

/** Opens a database in a process of its own; resolves to what it printed. */
async function openElsewhere(path: string): Promise<string> {
  const script = `
    import { acquireDatabase } from ${JSON.stringify(new URL('../../src/duck/registry.js', import.meta.url).href)};
    await acquireDatabase(process.argv[1]).then((lease) => lease.release()).then(() => console.log('opened'), (error) => console.log(error.code, error.message));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path]);
  let output = '';
  child.stdout.on('data', (data) => {
    output += String(data);
  });
  await once(child, 'close');
  return output;
}

test('two leases on one file see each other’s commits, by whatever name they found it', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'a.duckdb');
    await symlink(path, join(folder, 'dangling.duckdb'));
    const names = [
      path,
      relative(process.cwd(), path),
      join(folder, '.', 'a.duckdb'),
      join(folder, 'dangling.duckdb'),
    ];
    const leases = await Promise.all(names.map((name) => acquireDatabase(name)));
    await symlink(folder, join(folder, 'loop'));
    leases.push(await acquireDatabase(join(folder, 'loop', 'a.duckdb')));
    await link(path, join(folder, 'hard.duckdb'));
    leases.push(await acquireDatabase(join(folder, 'hard.duckdb')));
    assert.is(new Set(leases.map((lease) => lease.instance)).size, 1);
    const sessions = await Promise.all(leases.map((lease) => Session.open(lease)));
    await sessions[0]!.run('CREATE TABLE t(i INT)');
    for (const session of sessions) await session.run('INSERT INTO t VALUES (1)');
    assert.equal(await rowsOf(sessions[0]!, 'SELECT count(*) AS n FROM t'), [{ n: leases.length }]);
    for (const lease of leases) await lease.release();
    assert.equal(await rowsOf(sessions[1]!, 'SELECT count(*) AS n FROM t'), [{ n: leases.length }]);
    for (const session of sessions) await session.close();
  });
});

test('another process is refused while a session is open and let in when the last one closes', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'a.duckdb');
    const lease = await acquireDatabase(path);
    const session = await Session.open(lease);
    const result = await session.run("SELECT repeat('x', 100) AS s FROM range(10)");
    await lease.release();
    await lease.release();
    assert.match(
      await openElsewhere(path),
      /RVB_SQL cannot open the database .*a\.duckdb: another process .*has it open/,
    );
    await session.close();
    assert.match(await openElsewhere(path), /opened/);
    assert.is((await result.rows('js')).length, 10);
  });
});

test('a database opens again after its last release', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'a.duckdb');
    for (let round = 0; round < 3; round += 1) {
      const lease = await acquireDatabase(path);
      await using session = await Session.open(lease);
      await lease.release();
      await session.run('CREATE TABLE IF NOT EXISTS t(i INT); INSERT INTO t VALUES (1)');
      assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM t'), [{ n: round + 1 }]);
    }
  });
});

test('opening, releasing and opening at the same time never makes two instances', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'a.duckdb');
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const lease = await acquireDatabase(path);
        const session = await Session.open(lease);
        await lease.release();
        await session.run('CREATE TABLE IF NOT EXISTS t(i INT)').catch(() => undefined);
        await session.run(`INSERT INTO t VALUES (${i})`);
        await session.close();
      }),
    );
    const lease = await acquireDatabase(path);
    await using session = await Session.open(lease);
    await lease.release();
    assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM t'), [{ n: 20 }]);
  });
});

test('databases in memory are apart from each other', async () => {
  const [a, b] = await Promise.all([acquireDatabase(':memory:'), acquireDatabase(':memory:')]);
  assert.is.not(a.instance, b.instance);
  await Promise.all([a.release(), b.release()]);
});

test('a handed-in instance stays open', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const lease = await acquireDatabase(instance);
  const session = await Session.open(lease);
  await session.close();
  await lease.release();
  const connection = await instance.connect();
  assert.is((await connection.run('SELECT 1')).rowCount, 1);
  connection.closeSync();
  instance.closeSync();
});

test('a file that cannot be opened is named, with what to do, and can be tried again', async () => {
  await withFolder(async (folder) => {
    const notOne = join(folder, 'a.txt');
    await writeFile(notOne, 'x'.repeat(10_000));
    const error = await rejection(acquireDatabase(notOne));
    assert.is(error.code, 'RVB_SQL');
    assert.is(error.stage, 'open');
    assert.match(error.message, /a\.txt: the file is not a DuckDB database/);
    const missing = join(folder, 'no', 'a.duckdb');
    assert.match((await rejection(acquireDatabase(missing))).message, /folder does not exist/);
    await mkdir(join(folder, 'no'));
    await (await acquireDatabase(missing)).release();
  });
});

test('a file is opened read-only if asked, in one way at a time, and never created', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'a.duckdb');
    const missing = await rejection(acquireDatabase(path, { readOnly: true }));
    assert.match(missing.message, /there is no such file/);
    assert.not.ok(existsSync(path));
    const lease = await acquireDatabase(path);
    const writer = await Session.open(lease);
    await writer.run('CREATE TABLE t AS SELECT 1 AS a');
    const mixed = await rejection(acquireDatabase(path, { readOnly: true }));
    assert.match(mixed.message, /this process has it open for writing already/);
    await writer.close();
    await lease.release();
    const [one, two] = await Promise.all([
      acquireDatabase(path, { readOnly: true }),
      acquireDatabase(path, { readOnly: true }),
    ]);
    assert.is(one!.instance, two!.instance);
    const reader = await Session.open(one!);
    assert.match((await rejection(reader.run('DROP TABLE t'))).message, /read-only mode/);
    await reader.run('CREATE TEMP TABLE own AS FROM t');
    assert.match((await rejection(acquireDatabase(path))).message, /open read-only already/);
    await reader.close();
    await one!.release();
    await two!.release();
    await (await acquireDatabase(path)).release();
    const memory = await rejection(acquireDatabase(':memory:', { readOnly: true }));
    assert.match(memory.message, /only a database file/);
  });
});

test.run();
