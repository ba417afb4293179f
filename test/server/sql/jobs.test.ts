/** Jobs by Postgres clients: one submits a job and goes away, the next ones find it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeFolder, removeFolder } from '../../cli/spawn.ts';
import { PgClient } from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const folder = makeFolder({
  'ask.yaml':
    'cascade_id: ask\ninputs_schema: { n: a number }\ncells:\n  - { name: a, model: m/m, instructions: "{{ input.n }}" }\n',
});
let sent = 0;
const server = await startServer(
  { database: join(folder, 'shop.duckdb') },
  {
    cascades: folder,
    stateDir: join(folder, 'state'),
    async model(_, { signal }) {
      sent += 1;
      await sleep(60, undefined, { signal });
      return { text: 'yes', finishReason: 'stop' };
    },
  },
);
test.after(async () => {
  await server.close(0);
  removeFolder(folder);
});

test('a job whose client went away is found by the next one', async () => {
  const first = await PgClient.connect(server.port);
  const sql = `CREATE TABLE answered AS RVBBIT MAP ASYNC PARALLEL 2 'ask.yaml' AS v USING (SELECT range AS n FROM range(20))`;
  const { rows, columns, error } = await first.query(sql);
  assert.is(error?.get('M'), undefined);
  assert.equal(
    columns.map(({ name, oid }) => [name, oid]),
    [['result', 25]],
  );
  const { session_id: id, status } = JSON.parse(String(rows[0]![0])) as Record<string, string>;
  assert.is(status, 'running');
  first.close();

  const second = await PgClient.connect(server.port);
  while (sent < 3) await sleep(20);
  const shown = await second.extended('SHOW RVBBIT JOBS');
  assert.is(shown.error?.get('M'), undefined);
  const at = (name: string) => shown.columns.findIndex((column) => column.name === name);
  const [job] = shown.rows;
  assert.equal([job![at('id')], job![at('state')], job![at('rows')]], [id, 'running', '20']);
  assert.is(shown.columns[at('rows')]!.oid, 20);
  const listed = await second.query('SELECT id, state FROM rvbbit.jobs');
  assert.equal(listed.rows, [[id, 'running']]);
  const awaited = await second.extended(`-- @ timeout: 30s\nRVBBIT AWAIT '${id}'`);
  assert.is(awaited.error?.get('M'), undefined);
  assert.match(String(awaited.rows[0]![0]), '"status":"success"');
  assert.equal((await second.query('SELECT count(*) FROM answered')).rows, [['20']]);
  assert.is(sent, 20);
  const inside = await second.query(`BEGIN; ${sql.replace('answered', 'other')}`);
  assert.is(inside.error?.get('C'), '25001');
  second.close();
});

test.run();
