/** Where a server may listen, who must wait, and the certificate that it shows. */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect, TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RvbbitError } from '../../../src/index.ts';
import { checkReach, isLoopback } from '../../../src/server/access/reach.ts';
import { LoginThrottle } from '../../../src/server/access/throttle.ts';
import { TlsFiles } from '../../../src/server/access/tls-files.ts';
import { makeFolder, removeFolder } from '../../cli/spawn.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../test/fixtures/${name}`, import.meta.url));
const FIXTURES = [fixture('model/self-signed.pem'), fixture('server/sha384.pem')] as const;

test('a server starts beyond loopback only with TLS and with users', () => {
  const starts = (host: string, hasTls: boolean, hasUsers: boolean) => {
    try {
      checkReach({ host, hasTls, hasUsers });
      return 'starts';
    } catch (thrown) {
      assert.instance(thrown, RvbbitError);
      return (thrown as RvbbitError).message;
    }
  };
  const local = [
    '127.0.0.1',
    '127.8.8.8',
    '::1',
    '0:0:0:0:0:0:0:1',
    'localhost',
    '/run/x.sock',
    '::ffff:127.0.0.1',
  ];
  const wide = [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    'example.org',
    '',
    'fe80::1',
    '::2',
    '128.0.0.1',
    '::ffff:10.0.0.1',
    '::10',
    '1::1',
    '127.0.0.1.example.org',
  ];
  for (const host of local) {
    assert.ok(isLoopback(host), host);
    for (const tls of [true, false])
      for (const users of [true, false]) assert.is(starts(host, tls, users), 'starts');
  }
  for (const host of wide) {
    assert.not.ok(isLoopback(host), host);
    assert.is(starts(host, true, true), 'starts');
    assert.match(starts(host, true, false), /no users.*--users FILE/);
    assert.match(starts(host, false, true), /no TLS.*--tls-cert/);
    assert.match(starts(host, false, false), /no TLS.*and no users.*--tls-cert.*--users/);
  }
});

test('an address that failed five times in a minute waits; the table of addresses is bounded', () => {
  let now = 0;
  const throttle = new LoginThrottle(() => now);
  for (let time = 0; time < 5; time += 1) {
    assert.is(throttle.waitMs('10.0.0.1'), 0);
    throttle.failed('10.0.0.1');
    now += 1_000;
  }
  assert.is(throttle.waitMs('10.0.0.1'), 55_000);
  assert.is(throttle.waitMs('::ffff:10.0.0.1'), 55_000);
  assert.is(throttle.waitMs('10.0.0.2'), 0);
  now = 60_000;
  assert.is(throttle.waitMs('10.0.0.1'), 0);
  for (let time = 0; time < 5; time += 1) throttle.failed(`2001:db8:1:2::${time}`);
  assert.ok(throttle.waitMs('2001:db8:1:2:ffff::') > 0);
  assert.is(throttle.waitMs('2001:db8:1:3::'), 0);
  for (let host = 0; host < 30_000; host += 1) throttle.failed(`host-${host}`);
  assert.is(throttle.size, 10_000);
});

test('the hash for channel binding follows the signature of the certificate', async () => {
  for (const [file, hash] of [
    [FIXTURES[0], 'sha256'],
    [FIXTURES[1], 'sha384'],
  ] as const) {
    const { identity } = await TlsFiles.open(file, file);
    const expected = createHash(hash)
      .update(new X509Certificate(readFileSync(file)).raw)
      .digest();
    assert.equal(identity.binding, expected, file);
  }
});

test('a changed certificate serves new connections, a wrong one does not replace it, and TLS 1.1 is refused', async () => {
  const folder = makeFolder({});
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const put = (file: string) => {
    for (const to of [cert, key]) copyFileSync(file, to);
  };
  put(FIXTURES[0]);
  const files = await TlsFiles.open(cert, key);
  const server = createServer((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, ...files.options });
    secure.on('error', () => {});
    secure.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const shown = async (version: 'TLSv1.1' | 'TLSv1.3' = 'TLSv1.3') => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
    });
    await once(socket, 'secureConnect');
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    return raw;
  };
  const of = (file: string) => new X509Certificate(readFileSync(file)).raw;
  try {
    assert.equal(await shown(), of(FIXTURES[0]));
    assert.is(await files.reload(), false);
    put(FIXTURES[1]);
    const errors: unknown[] = [];
    const stop = files.watch((error) => errors.push(error), 20);
    process.emit('SIGHUP');
    await until(() => files.identity.binding?.length === 48);
    assert.equal(await shown(), of(FIXTURES[1]));
    writeFileSync(key, 'no key');
    await until(() => errors.length > 0);
    stop();
    assert.match(String(errors[0]), 'cannot be used');
    assert.equal(await shown(), of(FIXTURES[1]));
    const old = await shown('TLSv1.1').catch((thrown: Error) => thrown);
    assert.instance(old, Error);
    const missing = await TlsFiles.open(join(folder, 'none'), key).catch((thrown: Error) => thrown);
    assert.match(String(missing), 'cannot read');
  } finally {
    server.close();
    removeFolder(folder);
  }
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !holds(); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(holds());
}

test.run();
