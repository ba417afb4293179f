/** Every SQL statement of the seeds: it runs as it is written, or stands in the list below with its code and the reason. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type QueryResult, type RvbbitError } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';

const folder = fileURLToPath(new URL('../../../test/conformance/', import.meta.url));

/** The code that a statement fails with, words of the message, and why that is right or will be. */
type Listed = readonly [code: string, message: string, reason: string];

const BARE_NAME = 'the cascade is named without its suffix, which the engine requires';
const SKETCH = 'a sketch with a placeholder or an ellipsis in it';
const EXPERIMENT = "a function of the seed's own experiment, which it shows to be no way to do it";
const SUGGESTED = 'a function that the seed thinks of and that the infix operator made needless';
const MYSQL = 'a statement of MySQL, about another product';
const SEED_FUNCTION = 'the function is described in docs/operators.md and not wired yet';

/** A statement that runs must not stand here, and one that does not must. */
const NOT_RUNNING: Readonly<Record<string, Listed>> = {
  '000.5': ['RVB_SQL', 'rvbbit_run_batch does not exist', SEED_FUNCTION],
  '001.1': ['RVB_SYNTAX', 'Expected a number', SKETCH],
  '001.2': ['RVB_CASCADE_NOT_FOUND', "'x' has no suffix", BARE_NAME],
  '001.3': ['RVB_SQL', 'rvbbit_run does not exist', SEED_FUNCTION],
  '001.4': ['RVB_CASCADE_NOT_FOUND', "'x' has no suffix", BARE_NAME],
  '001.5': ['RVB_SQL', 'rvbbit_map_parallel does not exist', SEED_FUNCTION],
  '001.9': ['RVB_CASCADE_NOT_FOUND', "'x' has no suffix", BARE_NAME],
  '001.10': ['RVB_CASCADE_NOT_FOUND', "'x' has no suffix", BARE_NAME],
  '001.11': ['RVB_CASCADE_NOT_FOUND', "'expensive' has no suffix", SKETCH],
  '001.12': ['RVB_CASCADE_NOT_FOUND', "'costly' has no suffix", SKETCH],
  '001.13': ['RVB_CASCADE_NOT_FOUND', "'local_llama' has no suffix", SKETCH],
  '001.14': ['RVB_CASCADE_NOT_FOUND', "'fast' has no suffix", BARE_NAME],
  '002.1': ['RVB_SQL', 'matches_parallel does not exist', EXPERIMENT],
  '002.3': ['RVB_SQL', 'semantic_batch_matches does not exist', SUGGESTED],
  '002.5': ['RVB_SQL', 'semantic_batch_matches does not exist', SUGGESTED],
  '003.1': ['RVB_SQL', 'use_secondary_engine', MYSQL],
  '003.3': ['RVB_SQL', 'ENGINES does not exist', MYSQL],
  '003.4': ['RVB_SQL', 'use_secondary_engine', MYSQL],
  '003.6': ['RVB_SQL', 'use_secondary_engine', MYSQL],
  '003.7': ['RVB_SQL', 'at or near "FORMAT"', MYSQL],
  '004.2': ['RVB_SQL', 'slow_udf does not exist', EXPERIMENT],
  '004.3': ['RVB_SQL', 'slow_udf does not exist', EXPERIMENT],
  '004.4': ['RVB_SQL', 'slow_udf does not exist', EXPERIMENT],
  '004.8': [
    'RVB_SQL',
    'column "i" not found',
    'range() has no column i: the seed needs range(20) AS r(i)',
  ],
  '004.10': ['RVB_SQL', 'schema "rvbbit" does not exist', 'the log tables are not there yet'],
};

/** Makes the table that earlier seeds read. */
const FIRST = '004.7';

function statements(): ReadonlyMap<string, string> {
  const parts = readFileSync(`${folder}seeds.sql`, 'utf8').split(/^-- seed (\d{3}\.\d+)\n/m);
  const found = new Map<string, string>();
  for (let at = 1; at < parts.length; at += 2) found.set(parts[at]!, parts[at + 1]!.trim());
  return found;
}

test('every statement of the seeds runs, or fails as it is listed', async () => {
  await using sim = await startSimulator();
  await using engine = await Engine.open({
    cascades: `${folder}cascades`,
    threads: 2,
    providers: { sim: { baseUrl: sim.url, responseFormat: 'json_schema' } },
    model: 'sim/any',
  });
  for await (const { kind } of engine.script(readFileSync(`${folder}fixtures.sql`, 'utf8'))) {
    assert.ok(kind);
  }
  const all = statements();
  assert.is(all.size, 55);
  const failed: string[] = [];
  for (const id of [FIRST, ...[...all.keys()].filter((each) => each !== FIRST)]) {
    const error = await engine.query(all.get(id)!).then(
      (result) => checked(id, result),
      (thrown: RvbbitError) => thrown,
    );
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
