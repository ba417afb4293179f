import { and, asc, eq, ne, notInArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, numeric, pgSchema, pgTable, text } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { lists, S, say } from './say.mjs';

const pool = new pg.Pool({ max: 1 });
const db = drizzle(pool);
const products = pgTable('products', {
  id: integer('id').primaryKey(),
  name: text('name'),
  price: numeric('price'),
});
const raw = async (text) => lists((await db.execute(sql.raw(text))).rows);
say('one', await raw(S.one));
say('map', await raw(S.map));
say('run', (await raw(S.run))[0][0]);
say('means', await raw(S.means));
say(
  'parameter',
  lists(
    await db
      .select({ name: products.name })
      .from(products)
      .where(and(eq(products.id, 3), ne(products.name, "it's"))),
  ),
);
await raw(S.error).catch((error) => say('error', (error.cause ?? error).code));
const began = Date.now();
await raw('SET statement_timeout = 500');
await raw(S.slow).catch((error) =>
  say('cancel', [(error.cause ?? error).code, Date.now() - began < 2_000]),
);
await raw('RESET statement_timeout');
const tables = pgSchema('information_schema').table('tables', {
  schema: text('table_schema'),
  name: text('table_name'),
});
say(
  'tables',
  lists(
    await db
      .select({ name: tables.name })
      .from(tables)
      .where(notInArray(tables.schema, ['pg_catalog', 'information_schema']))
      .orderBy(asc(tables.name)),
  ),
);
say(
  'transaction',
  await db.transaction(async (tx) =>
    lists(await tx.select({ n: sql`count(*)::INTEGER` }).from(products)),
  ),
);
await pool.end();
