/** Every SQL statement of the seeds: it runs as it is written, or stands in the list below with its code and the reason. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type QueryResult, type RvbbitError } from '../../src/index.ts';
import { type Simulator, startSimulator } from '../../src/testing.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const folder = fileURLToPath(new URL('../../../test/conformance/', import.meta.url));

/** The code that a statement fails with, words of the message, and why that is right or will be. */
type Listed = readonly [code: string, message: string, reason: string];

const SKETCH = 'a sketch with a placeholder or an ellipsis in it';
const TABLE_FUNCTION = 'a sketch: the function takes and gives a JSON list, and no table';
const READS_FILES = 'read_json_auto reads files; unnest(from_json(…)) takes the list';
const MYSQL = 'a statement of MySQL, about another product';

/** A statement that runs must not stand here, and one that does not must. */
const NOT_RUNNING: Readonly<Record<string, Listed>> = {
  '001.1': ['RVB_SYNTAX', 'Expected a number', SKETCH],
  '001.11': ['RVB_CASCADE_NOT_FOUND', "there is no cascade 'expensive.yaml'", SKETCH],
  '001.12': ['RVB_CASCADE_NOT_FOUND', "there is no cascade 'costly.yaml'", SKETCH],
  '001.13': ['RVB_CASCADE_NOT_FOUND', "there is no cascade 'local_llama.yaml'", SKETCH],
  '002.3': ['RVB_SQL', 'semantic_batch_matches does not exist', TABLE_FUNCTION],
  '002.5': ['RVB_SQL', 'Table function cannot contain subqueries', READS_FILES],
  '003.1': ['RVB_SQL', 'WITH (strategy = …)', MYSQL],
  '003.3': ['RVB_SQL', 'FROM duckdb_extensions()', MYSQL],
  '003.4': ['RVB_SQL', 'WITH (strategy = …)', MYSQL],
  '003.6': ['RVB_SQL', 'WITH (strategy = …)', MYSQL],
  '003.7': ['RVB_SQL', 'write EXPLAIN (FORMAT TREE)', MYSQL],
  '004.8': [
    'RVB_SQL',
    'column "i" not found',
    'range() has no column i: the seed needs range(20) AS r(i)',
  ],
};

/** Makes the table that earlier seeds read, and the rows that 004.8 means to put into it. */
const FIRST = '004.7';
const ROWS = "INSERT INTO test SELECT i, 'text' || i FROM range(20) AS r(i)";

function statements(): ReadonlyMap<string, string> {
  const parts = readFileSync(`${folder}seeds.sql`, 'utf8').split(/^-- seed (\d{3}\.\d+)\n/m);
  const found = new Map<string, string>();
  for (let at = 1; at < parts.length; at += 2) found.set(parts[at]!, parts[at + 1]!.trim());
  return found;
}

const stateDir = makeFolder({});
test.after(() => removeFolder(stateDir));

async function openEngine(sim: Simulator): Promise<Engine> {
  const engine = await Engine.open({
    cascades: `${folder}cascades`,
    stateDir,
    threads: 1,
    providers: { sim: { baseUrl: sim.url, responseFormat: 'json_schema' } },
    model: 'sim/any',
  });
  for await (const { kind } of engine.script(readFileSync(`${folder}fixtures.sql`, 'utf8'))) {
    assert.ok(kind);
  }
  return engine;
}

test('every statement of the seeds runs, or fails as it is listed', async () => {
  await using sim = await startSimulator();
  await using engine = await openEngine(sim);
  const all = statements();
  assert.is(all.size, 55);
  const failed: string[] = [];
  for (const id of [FIRST, ...[...all.keys()].filter((each) => each !== FIRST)]) {
    const error = await engine.query(all.get(id)!).then(
      (result) => checked(id, result),
      (thrown: RvbbitError) => thrown,
    );
    if (id === FIRST) await engine.query(ROWS);
    if (error === undefined) continue;
    failed.push(id);
    const [code, message, reason] = NOT_RUNNING[id] ?? ['none', '', 'it should run'];
    assert.is(error.code, code, `${id}: ${error.message}`);
    assert.ok(error.message.includes(message), `${id} (${reason}): ${error.message}`);
  }
  assert.equal(failed.sort(), Object.keys(NOT_RUNNING).sort(), 'what is listed and runs');
});

/** A statement that ran: no row of it failed, and a RUN says success. */
function checked(id: string, { rows, summary }: QueryResult): undefined {
  assert.equal(summary.failures, [], id);
  const status = /"status":"(\w+)"/.exec(String(rows[0]?.['result'] ?? ''))?.[1];
  assert.ok(status === undefined || status === 'success', `${id}: ${status}`);
  return undefined;
}

test.run();
