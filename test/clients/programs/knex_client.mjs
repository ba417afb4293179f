import knex from 'knex';
import { lists, S, say } from './say.mjs';

const db = knex({ client: 'pg', connection: {}, pool: { min: 0, max: 1 } });
const raw = async (text, values) => lists((await db.raw(text, values)).rows);
say('one', await raw(S.one));
say('map', await raw(S.map));
say('run', (await raw(S.run))[0][0]);
say('means', await raw(S.means));
say(
  'parameter',
  lists(await db('products').select('name').where({ id: 3 }).andWhereNot('name', "it's")),
);
await raw(S.error).catch((error) => say('error', error.code));
const began = Date.now();
// Its own "timeout" cancels by pg_cancel_backend, which the server does not have.
await raw('SET statement_timeout = 500');
await raw(S.slow).catch((error) => say('cancel', [error.code, Date.now() - began < 2_000]));
await raw('RESET statement_timeout');
say(
  'tables',
  lists(
    await db
      .withSchema('information_schema')
      .from('tables')
      .select('table_name')
      .whereNotIn('table_schema', ['pg_catalog', 'information_schema'])
      .orderBy('table_name'),
  ),
);
say('has table', await db.schema.hasTable('products'));
say('columns', Object.keys(await db('products').columnInfo()));
say('transaction', await db.transaction(async (tx) => lists(await tx('products').count('* as n'))));
await db.destroy();
