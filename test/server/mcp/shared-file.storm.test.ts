/** Several agents' servers on one database file: processes that only read it. */
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeFolder, removeFolder, rvbbit } from '../../cli/spawn.ts';

const folder = makeFolder({});
test.after(() => removeFolder(folder));

type Answer = Readonly<Record<string, unknown>> & { readonly error: string };

function answerOf({ content, isError }: Awaited<ReturnType<Client['callTool']>>): Answer {
  const [{ text } = { text: '' }] = content as { text: string }[];
  return isError === true ? { error: text } : { error: '', ...(JSON.parse(text) as object) };
}

test('several read-only processes share a file, which none of them can change', async () => {
  await rvbbit(['shop.duckdb', '-c', "CREATE TABLE t AS SELECT 'red shoes' AS b"], { cwd: folder });
  const main = fileURLToPath(new URL('../../../bundle/rvbbit.js', import.meta.url));
  const start = async () => {
    const client = new Client({ name: 'test', version: '1' });
    const args = [main, 'serve', 'mcp', 'shop.duckdb', '--no-state', '-q'];
    const env = { RVBBIT_MODEL: 'lexical' };
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args, cwd: folder, env }),
    );
    return client;
  };
  const clients = await Promise.all([start(), start()]);
  for (const client of clients) {
    const call = async (sql: string) =>
      answerOf(await client.callTool({ name: 'query', arguments: { sql } }));
    assert.equal((await call("SELECT b FROM t WHERE b MEANS 'red shoes'"))['rows'], [
      ['red shoes'],
    ]);
    assert.is((await call('CREATE TEMP TABLE mine AS FROM t')).error, '');
    assert.equal((await call('FROM mine'))['rows'], [['red shoes']]);
    assert.match((await call('INSERT INTO t VALUES (1)')).error, '42501');
    assert.match((await call('FROM rvbbit.statements')).error, '42501');
  }
  await Promise.all(clients.map((client) => client.close()));
  console.log(`cases: ${clients.length} processes on one file`);
  const missing = await rvbbit(['serve', 'mcp', 'missing.duckdb'], { cwd: folder });
  assert.is(missing.code, 3);
  assert.match(missing.stderr, 'does not exist');
});

test.run();
