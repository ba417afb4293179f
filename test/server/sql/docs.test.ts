/** The statements of docs/server.md, sent by a client. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PgClient } from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

test('the statements of docs/server.md run', async () => {
  const server = await startServer({}, { cascades: `${root}examples/cascades` });
  const client = await PgClient.connect(server.port);
  const [, sql = ''] = /^```sql\n([\s\S]*?)^```/m.exec(
    readFileSync(`${root}docs/server.md`, 'utf8'),
  )!;
  const tags: string[] = [];
  for (const statement of sql.split(/;\s*\n/).filter((text) => text.trim() !== '')) {
    const result = await client.query(statement);
    assert.is(result.error?.get('M'), undefined, statement);
    tags.push(...result.tags);
  }
  assert.equal(tags, [
    'CREATE TABLE AS',
    'SELECT 2',
    'BEGIN',
    'DECLARE CURSOR',
    'FETCH 1',
    'COMMIT',
  ]);
  client.close();
  await server.close();
});

test.run();
