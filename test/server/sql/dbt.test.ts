/** The models of docs/connect.md, built by the statements that dbt-postgres sends: a re-run asks about the new rows alone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { startSimulator } from '../../../src/testing.ts';
import { makeFolder, removeFolder } from '../../cli/spawn.ts';
import { PgClient } from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const page = readFileSync(`${root}docs/connect.md`, 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, text = '']) => text,
  );

interface Profile {
  readonly dbname: string;
  readonly schema: string;
  readonly user: string;
}
const profile: Profile = parse(blocks('yaml')[0]!).shop.outputs.dev;
const database = `"${profile.dbname}"`;
const schema = `${database}."${profile.schema}"`;

/** What each model has in its column, by the answer of the simulated model. */
const MODELS = { topics: 'topic', complaints: 'is_complaint' } as const;
type ModelName = keyof typeof MODELS;

/** A model as dbt compiles it. */
function compiled(name: ModelName, isIncremental: boolean): string {
  const column = MODELS[name];
  const source = blocks('sql').find((text) => text.includes(column))!;
  const text = source
    .replace(/\{\{ config\(.*?\) \}\}/, '')
    .replace(/\{% if is_incremental\(\) %\}(.*?)\{% endif %\}/s, isIncremental ? '$1' : '')
    .replace(/\{\{ source\('shop', '(\w+)'\) \}\}/g, `${schema}."$1"`)
    .replaceAll('{{ this }}', `${schema}."${name}"`);
  assert.not.match(text, /\{[{%]/);
  return text;
}

const folder = makeFolder({
  'topic.yaml': 'cells: [{ name: ask, instructions: "The topic of: {{ input.body }}" }]\n',
});
const simulator = await startSimulator({
  rules: [
    { when: { contains: 'topic of' }, answer: 'delivery' },
    { when: { contains: '<criterion>' }, answer: { answer: true } },
  ],
});
const server = await startServer(
  { database: join(folder, `${profile.dbname}.duckdb`) },
  {
    cascades: folder,
    stateDir: join(folder, 'state'),
    providers: { sim: { baseUrl: simulator.url, responseFormat: 'json_schema' } },
    model: 'sim/test-model',
  },
);
const client = await PgClient.connect(server.port, {
  user: profile.user,
  database: profile.dbname,
});
test.after(async () => {
  client.close();
  await server.close();
  await simulator.close();
  removeFolder(folder);
});

/** The rows of cascades that ran since it was set to 0, as the notices tell. */
let runs = 0;

/** Sends what may be several statements, with dbt's comment before them. Gives the rows of all. */
async function send(sql: string) {
  const result = await client.query(`/* {"app": "dbt", "target_name": "dev"} */\n${sql}`);
  assert.is(result.error?.get('M'), undefined, sql);
  for (const notice of result.notices) runs += Number(/^(\d+) runs/.exec(notice)?.[1] ?? 0);
  return result.rows;
}

async function relations(): Promise<readonly unknown[]> {
  const kinds = { table: 'pg_tables', view: 'pg_views', materialized_view: 'pg_matviews' };
  const parts = Object.entries(kinds).map(([kind, from]) => {
    const column = from === 'pg_matviews' ? 'matviewname' : `${kind}name`;
    return `select '${profile.dbname}' as database, ${column} as name, schemaname as schema, '${kind}' as type
      from ${from} where schemaname ilike '${profile.schema}'`;
  });
  return (await send(parts.join(' union all '))).map(([, name]) => name);
}

/** Builds a model, as `dbt run` does. Gives the rows that were asked about, and the calls that reached the model server. */
async function dbtRun(name: ModelName, { isFullRefresh = false } = {}): Promise<readonly number[]> {
  simulator.reset();
  runs = 0;
  const target = `${schema}."${name}"`;
  await send('select distinct nspname from pg_namespace');
  const isThere = (await relations()).includes(name);
  await send('BEGIN');
  if (!isThere) {
    await send(`create  table ${target}\n  as\n  (\n${compiled(name, false)}\n  );`);
  } else if (isFullRefresh) {
    await send(
      `create  table ${schema}."${name}__dbt_tmp"\n  as\n  (\n${compiled(name, false)}\n  );`,
    );
    await send(`alter table ${target} rename to "${name}__dbt_backup"`);
    await send(`alter table ${schema}."${name}__dbt_tmp" rename to "${name}"`);
  } else {
    const temp = `${name}__dbt_tmp143217`;
    await send(`create temporary table "${temp}"\n  as\n  (\n${compiled(name, true)}\n  );`);
    const ofTemp = await columnsOf(temp);
    assert.equal(await columnsOf(name, `and table_schema = '${profile.schema}'`), ofTemp);
    const list = ofTemp.map((column) => `"${column}"`).join(', ');
    // dbt-postgres 1.9 sends the first, and earlier ones the second.
    await send(`delete from ${target} as DBT_INTERNAL_DEST where (id) in (select distinct id from "${temp}" as DBT_INTERNAL_SOURCE);
      delete from ${target} where (id) in (select (id) from "${temp}");
      insert into ${target} (${list}) (select ${list} from "${temp}")`);
    await send(`drop table if exists "${temp}" cascade`);
  }
  await send('COMMIT');
  await send(`drop table if exists ${schema}."${name}__dbt_backup" cascade`);
  return [runs, simulator.ledger().totals.calls];
}

async function columnsOf(table: string, more = ''): Promise<readonly unknown[]> {
  const rows =
    await send(`select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale
    from ${database}.INFORMATION_SCHEMA.columns where table_name = '${table}' ${more} order by ordinal_position`);
  return rows.map(([name]) => name);
}

async function addReviews(from: number, to: number): Promise<void> {
  await send(
    `INSERT INTO ${schema}."reviews" SELECT i, 'review ' || i FROM range(${from}, ${to + 1}) r(i)`,
  );
}

for (const name of Object.keys(MODELS) as ModelName[]) {
  test(`a re-run of ${name} buys the answers of the new rows alone`, async () => {
    await send(`create or replace table ${schema}."reviews" (id INTEGER, body VARCHAR)`);
    await addReviews(1, 6);
    const counts = [await dbtRun(name), await dbtRun(name)];
    await addReviews(7, 8);
    counts.push(await dbtRun(name), await dbtRun(name, { isFullRefresh: true }));
    const stated = /^\| \| rows \| calls \|\n.*\n((?:\|.*\n)+)/m.exec(page)![1]!.trim().split('\n');
    assert.equal(
      counts,
      stated.map((row) => /\| (\d+) \| (\d+)[^|]*\|$/.exec(row)!.slice(1).map(Number)),
    );
    const rows = await send(`select id, ${MODELS[name]} from ${schema}."${name}" order by id`);
    const answer = name === 'topics' ? 'delivery' : 't';
    assert.equal(
      rows,
      [1, 2, 3, 4, 5, 6, 7, 8].map((id) => [String(id), answer]),
    );
  });
}

test('a name of the file is the database default, and its tables are seen by both', async () => {
  const other = await PgClient.connect(server.port, { database: 'default' });
  await send(`create table ${schema}."seen" as (select 1 as one)`);
  assert.equal((await other.query('SELECT one FROM main.seen')).rows, [['1']]);
  assert.equal(await send('select current_database()'), [[profile.dbname]]);
  other.close();
});

test.run();
