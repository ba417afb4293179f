/** `rvbbit serve sql`: its line, its clients, its end, and what it refuses. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PgClient } from '../support/pg-client.ts';
import { makeFolder, removeFolder, rvbbit } from './spawn.ts';

const folder = makeFolder({});
test.after(() => removeFolder(folder));

test('it says where it listens, serves a client, and ends with 0 at SIGTERM', async () => {
  for (const words of [['serve', 'sql'], ['server']]) {
    let rows: unknown;
    const { code, stderr } = await rvbbit([...words, '--port', '15437', '--no-state'], {
      cwd: folder,
      during: (child) => {
        child.stderr?.once('data', async () => {
          const client = await PgClient.connect(15_437);
          ({ rows } = await client.query('SELECT 42'));
          child.kill('SIGTERM');
        });
      },
    });
    assert.equal(rows, [['42']]);
    assert.is(code, 0);
    assert.match(
      stderr,
      "listening on 127.0.0.1:15437; connect with psql 'postgresql://rvbbit@127.0.0.1:15437/default'",
    );
  }
});

test('what it cannot do is said, with exit code 2 or 3', async () => {
  const refused: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [['serve'], 2, /serve needs the kind of server/],
    [['serve', 'http'], 2, /there is no server 'http'/],
    [['serve', 'sql', 'a', 'b'], 2, /takes one database/],
    [['serve', 'sql', '--host', '0.0.0.0'], 2, /no TLS.*and no users.*--tls-cert.*--users/],
    [['serve', 'sql', '--tls-cert', 'cert.pem'], 2, /--tls-key is missing/],
    [['serve', 'sql', '--users', 'none.yaml'], 2, /cannot read the users file none.yaml/],
    [['serve', 'sql', '--max-cost', '1'], 2, /serve sql has no --max-cost/],
    [['serve', 'sql', '--databases', 'none'], 3, /there is no folder none/],
    [['serve', 'sql', '--idle', 'x'], 2, /--idle takes a time with its unit/],
  ];
  await Promise.all(
    refused.map(async ([args, expected, says]) => {
      const { code, stderr } = await rvbbit(args, { cwd: folder });
      assert.match(stderr, says);
      assert.is(code, expected, args.join(' '));
    }),
  );
});

test.run();
