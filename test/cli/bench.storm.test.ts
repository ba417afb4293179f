/** `rvbbit bench collect`: every statement under each strategy, failures and all, and on again after a stop. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COLLECTED } from '../../src/collect/collect.ts';
import { generatedWorkload } from '../../src/collect/generated-workload.ts';
import type { Observation } from '../../src/collect/observation.ts';
import { shapeOf } from '../../src/collect/shape.ts';
import { Engine } from '../../src/index.ts';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder } from './spawn.ts';

const CASCADE = `cascade_id: ask
inputs_schema: { d: string }
cells:
  - { name: ask, instructions: "{{ input.d }}?" }
`;
const WORKLOAD = `
CREATE TABLE items AS SELECT i AS id, 'item ' || i AS d FROM range(12) r(i);
-- @ parallel: 4
SELECT id FROM items WHERE d MEANS 'good; better' ORDER BY id;
-- @ parallel: 4
SELECT id FROM items WHERE d MEANS 'good' LIMIT 2;
INSERT INTO nowhere VALUES (1);
RVBBIT MAP PARALLEL 4 'ask.yaml' AS a USING (SELECT d FROM missing);
CREATE TABLE made AS RVBBIT MAP PARALLEL 4 'ask.yaml' AS a USING (SELECT id, d FROM items);
RVBBIT MAP PARALLEL 2 'ask.yaml' AS b USING (SELECT id, a AS d FROM made) WITH (strategy = 'wave');
`;

const read = (cwd: string): Observation[] =>
  readFileSync(join(cwd, 'collection/observations.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Observation);

test('a workload of the user is collected, and goes on where it stopped', async () => {
  const cwd = makeFolder({ 'ask.yaml': CASCADE, 'workload.sql': WORKLOAD });
  const collect = () => rvbbitHere(['bench', 'collect', '--workload', 'workload.sql'], { cwd });
  try {
    const first = await collect();
    assert.is(first.code, 0, first.stderr);
    const observations = read(cwd);
    assert.is(observations.length, 5 * COLLECTED.length);
    const outcomes = (shape: string) =>
      Object.fromEntries(
        observations.filter((one) => one.shape === shape).map((one) => [one.strategy, one.outcome]),
      );
    const all = (outcome: string) =>
      Object.fromEntries(COLLECTED.map((strategy) => [strategy, outcome]));
    assert.equal(outcomes('select_where_order'), all('ok'));
    assert.equal(outcomes('create_map'), all('ok'));
    assert.equal(outcomes('select_where_limit'), {
      ...all('ok'),
      static: 'refused',
      union_all: 'refused',
    });
    const maps = observations.filter(({ shape }) => shape === 'map');
    assert.is(maps.filter(({ reason }) => reason === 'RVB_SQL').length, COLLECTED.length);
    assert.is(maps.filter(({ reason }) => reason === 'own strategy').length, COLLECTED.length - 1);
    for (const { shape, rows, calls } of observations) {
      if (shape === 'create_map')
        assert.equal([rows, calls], [12, 12], 'each strategy asks itself');
    }

    const summary = JSON.parse(
      readFileSync(join(cwd, 'collection/collection_summary.json'), 'utf8'),
    );
    assert.equal(summary.succeeded, { batch: 3, static: 2, wave: 4, union_all: 2, sequential: 3 });
    assert.is(summary.total_queries, 5);
    assert.is(summary.plain_statements, 2);
    assert.match(summary.plain_failures[0], 'nowhere');

    await using engine = await Engine.open();
    const { rows } = await engine.query(
      `SELECT shape, count(*) AS n, count(DISTINCT part) AS parts FROM read_parquet('${cwd}/collection/dataset/**/*.parquet') GROUP BY shape ORDER BY shape`,
    );
    assert.equal(
      rows.map(({ shape, n, parts }) => [shape, Number(n), Number(parts)]),
      [
        ['create_map', 5, 1],
        ['map', 10, 1],
        ['select_where_limit', 5, 1],
        ['select_where_order', 5, 1],
      ],
    );

    // A crash cut the last line; two more are missing.
    const lines = observations.map((one) => `${JSON.stringify(one)}\n`);
    writeFileSync(
      join(cwd, 'collection/observations.jsonl'),
      `${lines.slice(0, -3).join('')}{"query":`,
    );
    const second = await collect();
    assert.is(second.code, 0, second.stderr);
    const strip = (all: Observation[]) =>
      all.map(({ query, strategy, outcome }) => `${query} ${strategy} ${outcome}`).sort();
    assert.equal(strip(read(cwd)), strip(observations));
  } finally {
    removeFolder(cwd);
  }
});

test('generated statements are the same for the same seed, of nine shapes', () => {
  const statements = generatedWorkload(40, 3);
  assert.equal(statements, generatedWorkload(40, 3));
  assert.not.equal(statements, generatedWorkload(40, 4));
  assert.is(new Set(statements.slice(2).map(shapeOf)).size, 9);
});

test('what is missing on the command line is said', async () => {
  const missing = await rvbbitHere(['bench', 'collect']);
  assert.is(missing.code, 2);
  assert.match(missing.stderr, '--workload');
  assert.is((await rvbbitHere(['bench'])).code, 2);
});

test.run();
