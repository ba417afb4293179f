/**
 * The notes in `seeds/`, byte for byte: every SQL statement of theirs runs from the repository root with the cascades
 * that the examples have, or stands in the list below with its code and the reason.
 */
import { cpSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type QueryResult, type RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder, rvbbit } from '../cli/spawn.ts';
import { ELLIPSIS, NOT_RUNNING, seedStatements } from './seed-statements.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const tables = readFileSync(`${root}examples/tables.sql`, 'utf8');

const stateDir = makeFolder({});
test.after(() => removeFolder(stateDir));

/** An engine as the command line opens it in the repository root. */
function openEngine(): Promise<Engine> {
  return Engine.open({ configFile: `${root}rvbbit.config.yaml`, stateDir, threads: 1 });
}

async function runScript(engine: Engine, sql: string): Promise<void> {
  for await (const { kind } of engine.script(sql)) assert.ok(kind);
}

test('every statement of the seeds runs, or fails as it is listed', async () => {
  await using engine = await openEngine();
  await runScript(engine, tables);
  // A block that makes its own table runs where there is none yet.
  await using empty = await openEngine();
  const failed: string[] = [];
  for (const { id, sql, block } of seedStatements) {
    const own = /CREATE TABLE/.test(block) ? empty : engine;
    const error = await own.query(sql).then(
      (result) => checked(id, result),
      (thrown: RvbbitError) => thrown,
    );
    if (error === undefined) continue;
    failed.push(id);
    const [code, message, reason] = NOT_RUNNING[id] ?? ['none', '', 'it should run'];
    assert.is(error.code, code, `${id}: ${error.message}`);
    assert.ok(error.message.includes(message), `${id} (${reason}): ${error.message}`);
    if (!sql.includes(ELLIPSIS)) continue;
    checked(id, await engine.query(sql.replace(ELLIPSIS, '(SELECT * FROM t LIMIT 3)')));
  }
  assert.equal(failed.sort(), Object.keys(NOT_RUNNING).sort(), 'what is listed and runs');
  assert.is(seedStatements.length, 55);
  console.log(
    `       cases: ${seedStatements.length} statements, ${failed.length} of them refused as listed`,
  );
});

/** A statement that ran: no row of it failed, and a RUN says success. */
function checked(id: string, { rows, summary }: QueryResult): undefined {
  assert.equal(summary.failures, [], id);
  const status = /"status":"(\w+)"/.exec(String(rows[0]?.['result'] ?? ''))?.[1];
  assert.ok(status === undefined || status === 'success', `${id}: ${status}`);
  return undefined;
}

test('what the seeds say to try now runs with the command line and no flags', async () => {
  const tried = seedStatements.filter(({ block }) => block.includes('FROM (VALUES'));
  const folder = makeFolder({});
  cpSync(`${root}examples`, `${folder}/examples`, { recursive: true });
  cpSync(`${root}rvbbit.config.yaml`, `${folder}/rvbbit.config.yaml`);
  try {
    const run = async (sql: string) => {
      const { code, stdout, stderr } = await rvbbit(['-c', sql], { cwd: folder });
      assert.is(code, 0, `${sql}\n${stderr}`);
      return stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { brand: string; result: string });
    };
    const [batch, sequential, parallel, ...more] = tried.map(({ sql }) => sql);
    assert.is(more.length, 0);
    const [row] = await run(batch!);
    const { status, row_count, outputs } = JSON.parse(row!.result);
    assert.equal([status, row_count], ['success', 3]);
    assert.equal(outputs.load.rows[0].dearest, 'Samsung Galaxy S24');
    for (const sql of [sequential!, parallel!]) {
      const brands = (await run(sql)).map(({ brand }) => brand);
      assert.equal(brands, ['Apple', 'Samsung', 'Sony', 'Google', 'OnePlus']);
    }
  } finally {
    removeFolder(folder);
  }
});

test.run();
