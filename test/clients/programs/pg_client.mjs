import pg from 'pg';
import { S, say } from './say.mjs';

const db = new pg.Client();
await db.connect();
const notices = [];
db.on('notice', (notice) => notices.push(notice.message));
const rows = async (text, values, name) =>
  (await db.query({ text, values, name, rowMode: 'array' })).rows;
say('one', await rows(S.one));
say('map', await rows(S.map));
say('run', (await rows(S.run))[0][0]);
say('means', await rows(S.means));
say('parameter', await rows('SELECT name FROM products WHERE id = $1 AND name <> $2', [3, "it's"]));
say('named', await rows('SELECT name FROM products WHERE id = $1', [3], 'by id'));
say('named again', await rows('SELECT name FROM products WHERE id = $1', [1], 'by id'));
say(
  'map parameter',
  await rows(
    "RVBBIT MAP 'band.yaml' AS band USING (SELECT id, price FROM products WHERE id = $1)",
    [4],
  ),
);
await rows(S.error).catch((error) => say('error', error.code));
await rows(S.error, []).catch((error) => say('error of an extended query', error.code));
say('after', await rows(S.one));
const began = Date.now();
const other = new pg.Client();
setTimeout(() => other.cancel(db, db._getActiveQuery()), 500);
await rows(S.slow).catch((error) => say('cancel', [error.code, Date.now() - began < 2_000]));
say('kinds', (await rows(S.kinds))[0]);
say(
  'tables',
  await rows(
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname <> ALL ($1) ORDER BY 1",
    [['pg_catalog', 'information_schema']],
  ),
);
say(
  'several',
  (await db.query('SELECT 1 AS a; SELECT 2 AS b')).map(({ rows: [row] }) => row),
);
await rows("RVBBIT MAP 'band.yaml' AS band USING (SELECT i AS price FROM range(1001) AS r(i))");
say(
  'notice',
  notices.some((message) => /1,?000/.test(message)),
);
await db.end();
