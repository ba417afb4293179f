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

const root = fileURLToPath(new URL('../../../', import.meta.url));
const tables = readFileSync(`${root}examples/tables.sql`, 'utf8');

/** The code that a statement fails with, words of the message, and the reason. */
type Listed = readonly [code: string, message: string, reason: string];

const SKETCH = 'a sketch with a placeholder or an ellipsis in it';
const MYSQL = 'a statement of MySQL, about another product';
/** The ellipsis of a sketch. With a query in its place the statement runs. */
const ELLIPSIS = '(...)';

/** A statement that runs must not stand here, and one that does not must. */
const NOT_RUNNING: Readonly<Record<string, Listed>> = {
  '001.1': ['RVB_SYNTAX', '<max_workers> is a placeholder', SKETCH],
  '001.11': ['RVB_SQL', 'syntax error at or near ".', SKETCH],
  '001.12': ['RVB_SQL', 'syntax error at or near ".', SKETCH],
  '001.13': ['RVB_SQL', 'syntax error at or near ".', SKETCH],
  '002.3': [
    'RVB_SQL',
    'Table Function with name semantic_batch_matches does not exist',
    'a sketch: the function takes and gives a JSON list, and no table',
  ],
  '002.5': [
    'RVB_SQL',
    'Table function cannot contain subqueries',
    'read_json_auto reads files; unnest(from_json(…)) takes the list',
  ],
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

/** A statement with its number in its file, and the block that it stands in. */
interface SeedStatement {
  readonly id: string;
  readonly sql: string;
  readonly block: string;
}

const FENCE = /^ *```(\w*)\n(.*?)^ *```/gms;
const COMMENTS = String.raw`(?:\s*--[^\n]*\n)*`;
const STATEMENT = new RegExp(
  `^${COMMENTS}\\s*\\(?(?:RVBBIT|SELECT|WITH|SET|SHOW|EXPLAIN|CREATE|INSERT)\\b`,
);

/** The SQL of a block: all of it, the lines that are SQL in a program or at a prompt, or what `mysql -e` is given. */
function sqlIn(language: string, block: string): readonly string[] {
  if (language === 'sql') return [block];
  if (language !== 'python' && language !== 'bash') return [];
  const given = [...block.matchAll(/ -e "([^"]*)"/g)].map((found) => found[1]!);
  if (given.length > 0) return given;
  const lines = block.split('\n').map((line) => line.replace(/^> /, ''));
  const isSql = (line: string) => /^(?:\(?SELECT|UNION ALL|-- @)/.test(line);
  return [lines.map((line) => (isSql(line) ? line : '')).join('\n')];
}

/** The statements of a text, as they stand: they end with `;`, or before an empty line. */
function statementsOf(text: string): readonly string[] {
  return text
    .split(/\n\s*\n/)
    .flatMap((paragraph) => paragraph.split(/(?<=;)[^\S\n]*(?:--[^\n]*)?(?:\n|$)/))
    .map((statement) => statement.trim())
    .filter((statement) => STATEMENT.test(statement));
}

function statementsOfSeed(seed: string): readonly SeedStatement[] {
  const text = readFileSync(`${root}test/conformance/seeds/${seed}.txt`, 'utf8');
  const blocks = [...text.matchAll(FENCE)];
  const found = blocks.flatMap(([, language = '', block = '']) =>
    sqlIn(language, block).flatMap((sql) => statementsOf(sql).map((one) => ({ sql: one, block }))),
  );
  return found.map((one, at) => ({ ...one, id: `${seed}.${at + 1}` }));
}

const all = ['000', '001', '002', '003', '004'].flatMap(statementsOfSeed);
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
  for (const { id, sql, block } of all) {
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
  assert.is(all.length, 55);
  console.log(`       cases: ${all.length} statements, ${failed.length} of them refused as listed`);
});

/** A statement that ran: no row of it failed, and a RUN says success. */
function checked(id: string, { rows, summary }: QueryResult): undefined {
  assert.equal(summary.failures, [], id);
  const status = /"status":"(\w+)"/.exec(String(rows[0]?.['result'] ?? ''))?.[1];
  assert.ok(status === undefined || status === 'success', `${id}: ${status}`);
  return undefined;
}

test('what the seeds say to try now runs with the command line and no flags', async () => {
  const tried = all.filter(({ block }) => block.includes('FROM (VALUES'));
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
