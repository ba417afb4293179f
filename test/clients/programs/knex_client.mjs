import knex from 'knex';
import { lists, S, say } from './say.mjs';

const db = knex({ client: 'pg', connection: {} });
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
say('has table', await db.schema.hasTable('products'));
say('columns', Object.keys(await db('products').columnInfo()));
say('transaction', await db.transaction(async (tx) => lists(await tx('products').count('* as n'))));
await db.destroy();
