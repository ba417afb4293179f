/** Run with few descriptors: sessions of MAP beside COPY, CSV reads, cascades and receipts. Prints what failed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../../src/index.ts';

const [, , url, folder] = process.argv as unknown as readonly [string, string, string, string];
const failures: string[] = [];
let rows = 0;
let neighbours = 0;
let mapping = true;

await using engine = await Engine.open({
  cascades: folder,
  stateDir: join(folder, 'state'),
  sessions: 64,
  providers: { sim: { baseUrl: url } },
  model: 'sim/m',
});

async function map(id: number): Promise<void> {
  await using session = await engine.session();
  const result = await session.query(
    `RVBBIT MAP PARALLEL 50 'ask.yaml' AS a USING (SELECT 's${id} ' || i AS v FROM range(100) r(i)) WITH (on_error = 'fail')`,
  );
  rows += result.rows.filter(({ a }) => a !== null).length;
}

async function neighbour(id: number): Promise<void> {
  await using session = await engine.session();
  for (let at = 0; mapping; at++) {
    const csv = join(folder, `${id}-${at % 5}.csv`);
    await session.query(`COPY (FROM range(1000)) TO '${csv}'`);
    await session.query(`SELECT count(*) FROM '${csv}'`);
    const name = `own-${id}-${at}.yaml`;
    writeFileSync(
      join(folder, name),
      `cascade_id: own\ncells: [{ name: own, tool: js, inputs: { code: "return ${at}" } }]\n`,
    );
    await session.query(`RVBBIT MAP '${name}' AS x USING (SELECT 1 AS v)`);
    await session.query('SELECT count(*) FROM rvbbit.unified_logs');
    neighbours += 4;
  }
}

const noted = (work: Promise<void>) =>
  work.catch((thrown: unknown) => {
    failures.push(String(thrown));
  });
const beside = Array.from({ length: 4 }, (_, id) => noted(neighbour(id)));
await Promise.all(Array.from({ length: 16 }, (_, id) => noted(map(id))));
mapping = false;
await Promise.all(beside);
console.log(JSON.stringify({ failures, rows, neighbours }));
