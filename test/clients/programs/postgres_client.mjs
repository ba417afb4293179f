import postgres from 'postgres';
import { lists, S, say } from './say.mjs';

const sql = postgres({ max: 1, onnotice: () => {} });
const rows = async (text, values) => lists(await sql.unsafe(text, values));
say('one', await rows(S.one));
say('map', await rows(S.map));
say('run', (await rows(S.run))[0][0]);
say('means', await rows(S.means));
say('parameter', lists(await sql`SELECT name FROM products WHERE id = ${3} AND name <> ${"it's"}`));
say(
  'map parameter',
  await rows(
    "RVBBIT MAP 'band.yaml' AS band USING (SELECT id, price FROM products WHERE id = $1)",
    [4],
  ),
);
await rows(S.error).catch((error) => say('error', error.code));
say('after', await rows(S.one));
const seen = [];
for await (const block of sql`SELECT id FROM products ORDER BY id`.cursor(2))
  seen.push(block.map(({ id }) => id));
say('cursor', seen);
say(
  'tables',
  lists(
    await sql`SELECT tablename FROM pg_tables WHERE schemaname NOT IN ${sql(['pg_catalog', 'information_schema'])} ORDER BY 1`,
  ),
);
// After an error amid rows this client puts empty rows before the next result, with PostgreSQL too: nothing is read next.
const began = Date.now();
const slow = sql.unsafe(S.slow);
setTimeout(() => slow.cancel(), 500);
await slow.catch((error) => say('cancel', [error.code, Date.now() - began < 2_000]));
say(
  'transaction',
  await sql.begin(async (tx) => lists(await tx`SELECT count(*)::INTEGER FROM products`)),
);
const copied = [];
for await (const block of await sql`COPY (SELECT id, name FROM products ORDER BY id LIMIT 2) TO STDOUT`.readable())
  copied.push(String(block));
say('copy out', copied.join(''));
await sql.end();
