/** `rvbbit resume` of statements with semantic operators. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { listStatements } from '../../src/journal/disk/list-statements.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { packageVersion } from '../../src/util/version.ts';
import { readRecords } from '../kill/journal-files.ts';
import { killed, listed, openServer, rowsOf, withPlace } from './resume-support.ts';

const ECHOES = `cascade_id: echoes
sql_function:
  name: ECHOES
  returns: VARCHAR
  args: [{ name: text, type: VARCHAR }, { name: tone, type: VARCHAR }]
  operators: ["{text} ECHOES {tone}"]
cells:
  - name: ask
    instructions: "{{ input.text }} {{ input.tone }}"
`;
const ROWS = 40;

await openServer(test);

test('a killed INSERT is resumed to its end, once, and gives each row once', () =>
  withPlace(
    { 'operators/echoes.yaml': ECHOES },
    { latency: { kind: 'constant', ms: 50 } },
    async (place) => {
      const run = (sql: string) => place.rvbbit(['shop.duckdb', '-c', sql]);
      await run(
        `CREATE TABLE source AS SELECT 'text ' || i AS x FROM range(${ROWS}) r(i); CREATE TABLE made (x VARCHAR)`,
      );
      const sql = "-- @ parallel: 4\nINSERT INTO made SELECT x ECHOES 'twice' FROM source";
      await killed(place, sql, 250, 'shop.duckdb');
      const [statement, ...others] = await listed(place);
      assert.is(others.length, 0);
      assert.is(statement!['ending'], 'killed');
      const session = String(statement!['session']);
      const first = await place.rvbbit(['resume', session, 'shop.duckdb']);
      assert.is(first.code, 0, first.stderr);
      assert.equal(await listed(place), []);
      const again = await place.rvbbit(['resume', session, 'shop.duckdb']);
      assert.match(again.stderr, /no statement that has not completed/);
      const { stdout } = await run(
        'SELECT count(*)::INT AS n, count(DISTINCT x)::INT AS d FROM made',
      );
      assert.equal(rowsOf(stdout), [{ n: ROWS, d: ROWS }]);
    },
  ));

test('the list tells of its parameters, and the journal of the engine', () =>
  withPlace({ 'operators/echoes.yaml': ECHOES }, {}, async (place) => {
    await using engine = await place.open();
    const sql = "-- @ max_calls: 1\nSELECT x ECHOES $tone FROM (VALUES ('a'), ('b')) t(x)";
    await engine.query(sql, { tone: 'low' }).catch(() => {});
    const [statement] = await listed(place);
    assert.is(statement!['parameters'], true);
    const [opened] = readRecords(place.stateDir) as unknown as (JournalRecord & {
      t: 'statement.open';
    })[];
    assert.is(opened!.engine, packageVersion());
  }));

test('what has completed is not to be resumed from the moment that its caller hears of it', () =>
  withPlace({ 'operators/echoes.yaml': ECHOES }, {}, async (place) => {
    await using engine = await place.open();
    const rows = "(VALUES ('a'), ('b')) t(x)";
    await engine.query('CREATE TABLE made (x VARCHAR)');
    for (const sql of [
      `INSERT INTO made SELECT x ECHOES 'once' FROM ${rows}`,
      `CREATE TABLE mapped AS RVBBIT MAP 'ask.yaml' USING (SELECT x AS n FROM ${rows})`,
    ]) {
      await engine.query(sql);
      const folder = join(place.stateDir, 'journal');
      assert.equal(
        listStatements(realFileSystem, folder, () => {}),
        [],
        sql,
      );
    }
  }));

test.run();
