/** Generated catalogs and queries: what a cell gives in a process of its own is what it gives on the session. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/index.ts';
import { random } from '../fault/support.ts';
import { cases, QUICK_BUDGET_MS, reportCases, seed } from '../support/cases.ts';
import { openEngine, outputsOf } from './sql-process-support.ts';

const DATABASES = ['memory', 'other'];
const SCHEMAS = ['main', 'b', '"Q r"'];
const NAMES = ['t', 'u', '"A b"', 'select_', '"é"'];
const PATHS = [
  'RESET search_path',
  'USE b',
  'USE other',
  'USE other.b',
  "SET search_path = 'b,main'",
  `SET search_path = 'other."Q r",memory.b,main'`,
];

const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
const maybe = (text: string, percent = 50): string => (random(100) < percent ? text : '');

/** A name in one of the ways that it can be written. */
function written(name: string): string {
  const cased = random(3) === 0 ? name.toUpperCase().replaceAll('É', 'é') : name;
  return random(4) > 0 || cased.startsWith('"') ? cased : `"${cased}"`;
}

/** A name with or without its schema and database, whether there is such a thing or not. */
function reference(): string {
  const name = written(pick(NAMES));
  switch (random(6)) {
    case 0:
      return `${written(pick(SCHEMAS))}.${name}`;
    case 1:
      return `${written(pick(DATABASES))}.${name}`;
    case 2:
      return `${written(pick(DATABASES))}.${written(pick(SCHEMAS))}.${name}`;
    case 3:
      return `${pick(['temp', 'temp.main'])}.${name}`;
    default:
      return name;
  }
}

const place = (): string => `${pick(DATABASES)}.${pick(SCHEMAS)}.${pick(NAMES)}`;

/** A query with the columns n and x. */
function source(depth = 0): string {
  const from = reference();
  switch (random(depth > 2 ? 2 : 7)) {
    case 0:
      return `SELECT n, x FROM ${from} AS z`;
    case 1:
      return `SELECT n + 1 AS n, x${maybe(' COLLATE NOCASE', 20)} AS x FROM ${from}`;
    case 2:
      return `WITH ${written(pick(NAMES))} AS (${source(depth + 1)}) SELECT n, x FROM ${from}`;
    case 3:
      return `(${source(depth + 1)}) UNION ALL (${source(depth + 1)})`;
    case 4:
      return `SELECT l.n + r.n AS n, l.x FROM ${from} AS l, ${reference()} AS r WHERE l.n <= r.n`;
    case 5:
      return `SELECT (SELECT max(n) FROM ${reference()}) AS n, x FROM (${source(depth + 1)})`;
    default:
      return `WITH ${written(pick(NAMES))} AS MATERIALIZED (${source(depth + 1)}), c AS (SELECT n, x FROM ${from}) FROM c`;
  }
}

let value = 0;

function object(): string {
  const temporary = random(4) === 0;
  const target = (kind: string) =>
    temporary ? `CREATE TEMP ${kind} ${pick(NAMES)}` : `CREATE ${kind} ${place()}`;
  const rows = () => `VALUES (${++value}, 'a'), (${++value}, 'A'), (${++value}, 'b')`;
  switch (random(9)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return `${target('TABLE')} AS SELECT n, x${maybe(` COLLATE ${pick(['NOCASE', 'DE'])}`)} AS x FROM (${rows()}) v(n, x)`;
    case 4:
    case 5:
      return `${target('VIEW')} AS ${source()}`;
    case 6:
      return `${target('MACRO')}(a, b := ${random(9)}) AS a * 1000 + b + ${pick(['0', `(SELECT coalesce(max(n), 0) FROM ${reference()})`, `${reference()}(a, 1)`])}`;
    case 7:
      return `${target('MACRO')}(a) AS TABLE ${source()}`;
    default:
      return `${target('TYPE')} AS ${pick([`ENUM('b', 'a', 'v${++value}')`, 'DECIMAL(9, 2)', 'STRUCT(n INTEGER, x VARCHAR)'])}`;
  }
}

function query(): string {
  switch (random(8)) {
    case 0:
      return `SELECT ${reference()}(${random(5)}, ${random(5)}) AS v`;
    case 1:
      return `SELECT n, x FROM ${reference()}(1) ORDER BY n, encode(x)`;
    case 2:
      return `SELECT ${pick(["'a'", '1.5', "{'n': 1, 'x': 'y'}"])}::${reference()} AS v, typeof(v) AS t`;
    case 3:
      return `SELECT lower(x) AS x, count(*) AS c, sum(n) AS s FROM (${source()}) GROUP BY x ORDER BY ALL`;
    case 4:
      return `SELECT sum(n) AS s FROM (${source()}) WHERE x = 'a'`;
    default:
      return `SELECT n, x FROM (${source()}) ORDER BY n, encode(x)`;
  }
}

/** Drops the views that cannot be bound, and gives their names. */
async function brokenViews(engine: Engine): Promise<string[]> {
  const broken: string[] = [];
  for (;;) {
    const { rows } = await engine.query(
      `SELECT format('"{}"."{}"."{}"', database_name, schema_name, view_name) AS name FROM duckdb_views() WHERE NOT internal`,
    );
    const before = broken.length;
    for (const { name } of rows) {
      if (broken.includes(String(name))) continue;
      await engine.query(`FROM ${name} LIMIT 0`).catch(() => broken.push(String(name)));
    }
    if (broken.length === before) return broken;
    for (const name of broken.slice(before)) await engine.query(`DROP VIEW ${name}`);
  }
}

test('generated queries over generated catalogs give what they give on the session', async () => {
  const startedMs = performance.now();
  let count = 0;
  let answered = 0;
  for (let round = 0; round < cases(20, 400); round += 1) {
    if (round > 0 && performance.now() - startedMs > cases(QUICK_BUDGET_MS / 2, 600_000)) break;
    await using inline = await openEngine({});
    await using isolated = await openEngine({ sqlCells: 'process' });
    const setUp = [
      "ATTACH ':memory:' AS other",
      ...['b', '"Q r"', 'other.b', 'other."Q r"'].map((schema) => `CREATE SCHEMA ${schema}`),
      ...Array.from({ length: 60 }, object),
      pick(PATHS),
    ];
    for (const sql of setUp) {
      const made = await Promise.all(
        [inline, isolated].map((engine) =>
          engine.query(sql).then(
            () => true,
            () => false,
          ),
        ),
      );
      assert.is(made[1], made[0], sql);
    }
    // One that cannot be bound fails a copy where a query names it in vain, too.
    for (const view of await brokenViews(inline))
      for (const engine of [inline, isolated]) await engine.query(`DROP VIEW IF EXISTS ${view}`);
    const queries = Array.from({ length: 80 }, query);
    const expected = await outputsOf(inline, queries);
    const found = await outputsOf(isolated, queries);
    for (const [index, sql] of queries.entries()) {
      const catalog = setUp.join(';\n');
      assert.equal(found[index], expected[index], `seed ${seed}\n${catalog}\n${sql}`);
      if (expected[index] !== null) answered += 1;
    }
    count += queries.length;
  }
  assert.ok(answered > count / 10, `${answered} of ${count} queries have an answer`);
  reportCases(count, `generated queries, ${answered} with an answer`);
});

test.run();
