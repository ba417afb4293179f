/** The DuckDB of a statement in the process of the SQL cells, by itself. */
import { setImmediate } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNodeApi } from '../../src/duck/node-api.ts';
import { ChildDatabase } from '../../src/execute/sql-process/child-database.ts';
import type { DatabaseProfile } from '../../src/execute/sql-process/messages.ts';
import { random } from '../fault/support.ts';
import { reportCases } from '../support/cases.ts';
import { cascades, openEngine, runCell } from './sql-process-support.ts';

const PROFILE: DatabaseProfile = {
  searchPath: { database: 'memory', entries: [{ schema: 'main' }] },
  settings: {},
  allowedDirectories: [],
  allowedPaths: [],
  extensions: [],
  folder: cascades,
};

test('what a cancelled query has defined for its connection is there for the next query', async () => {
  await loadNodeApi();
  const database = await ChildDatabase.open(PROFILE);
  const count = 100;
  for (let index = 0; index < count; index += 1) {
    const name = `m${index}`;
    const sql = `CREATE TEMP MACRO ${name}(x) AS x`;
    database.learn({ [name]: { key: name, version: 0, sql, scope: 'connection' } });
    const query = { statementId: 1, text: `SELECT ${name}(1) AS v`, values: [], needs: [name] };
    const controller = new AbortController();
    const cancelled = database.run(query, controller.signal, () => {}).catch(() => {});
    for (let turns = random(8); turns > 0; turns -= 1) await setImmediate();
    controller.abort();
    await cancelled;
    const outcome = await database.run(query, new AbortController().signal, () => {});
    assert.equal(outcome, { ok: true, columns: ['v'], rows: [{ v: 1 }], rowCount: 1 });
  }
  await database.close();
  reportCases(count, 'definitions in queries that are cancelled');
});

test('extensions are loaded from the folder that the session has them in', async () => {
  await loadNodeApi();
  const settings = { extension_directory: '/nosuch/folder' };
  const error = await ChildDatabase.open({ ...PROFILE, settings, extensions: ['nosuch'] }).catch(
    (thrown) => thrown,
  );
  assert.match(error.message, '"/nosuch/folder/');
});

test('a process that may do less than the session still runs what needs no more', async () => {
  const instance = await DuckDBInstance.create(':memory:', { allow_unsigned_extensions: 'true' });
  await using engine = await openEngine({ database: instance, sqlCells: 'process' });
  const query = "SELECT current_setting('allow_unsigned_extensions') AS unsigned";
  assert.equal(await runCell(engine, query), {
    output: { rows: [{ unsigned: false }], columns: ['unsigned'], row_count: 1 },
  });
  await engine.close();
  instance.closeSync();
});

test.run();
