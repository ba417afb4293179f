import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { lists, S, say } from './say.mjs';

const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ max: 1 }) }) });
const raw = async (text, values = []) =>
  lists((await db.executeQuery(CompiledQuery.raw(text, values))).rows);
say('one', await raw(S.one));
say('map', await raw(S.map));
say('run', (await raw(S.run))[0][0]);
say('means', await raw(S.means));
say(
  'parameter',
  lists(
    await db
      .selectFrom('products')
      .select('name')
      .where('id', '=', 3)
      .where('name', '<>', "it's")
      .execute(),
  ),
);
await raw(S.error).catch((error) => say('error', error.code));
const began = Date.now();
await raw('SET statement_timeout = 500');
await raw(S.slow).catch((error) => say('cancel', [error.code, Date.now() - began < 2_000]));
await raw('RESET statement_timeout');
const tables = await db.introspection.getTables();
say('tables', tables.map(({ name }) => [name]).sort());
say(
  'columns',
  tables
    .find(({ name }) => name === 'products')
    .columns.map(({ name, dataType, isNullable }) => [name, dataType, isNullable]),
);
await db.destroy();
