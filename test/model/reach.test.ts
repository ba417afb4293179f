/** Where calls may go: to the operator's URL, through the operator's proxy, and nowhere else. */
import { readFileSync } from 'node:fs';
import type { AddressInfo, LookupFunction } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HttpSettings } from '../../src/model/chat.ts';
import { HttpProvider } from '../../src/model/http-provider.ts';
import { isNearName, isPrivateAddress } from '../../src/model/private-address.ts';
import { openEngine, queryOf } from './engine-support.ts';
import { type ProxyServer, proxyServer } from './proxy-server.ts';
import {
  ask,
  brief,
  CANARY,
  completion,
  response,
  type ScriptedServer,
  scriptedServer,
  settingsOf,
} from './support.ts';

const PEM = readFileSync(
  fileURLToPath(new URL('../../../test/fixtures/model/self-signed.pem', import.meta.url)),
);
const PROXY_KEY = 'shop:proxy-canary-0123456789';
const BASIC = `Basic ${Buffer.from(PROXY_KEY).toString('base64')}`;

const test = suite<{ server: ScriptedServer; proxy: ProxyServer }>('reach');
test.before.each(async (context) => {
  context.server = await scriptedServer();
  context.proxy = await proxyServer();
});
test.after.each(async ({ server, proxy }) => {
  await server.close();
  await proxy.close();
});

/** Resolves every name to these addresses, one call after another, and counts. */
function lookupOf(...answers: readonly string[][]): LookupFunction & { asked: string[] } {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(hostname);
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    queueMicrotask(() => {
      if (options.all) callback(null, found);
      else callback(null, found[0]!.address, found[0]!.family);
    });
  };
  return Object.assign(lookup, { asked });
}

test('addresses of this machine and its networks are private, in every spelling', () => {
  const private_ = `127.0.0.1 127.255.255.254 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1
    169.254.169.254 100.64.0.1 0.0.0.0 198.18.0.1 224.0.0.1 255.255.255.255 ::1 :: fe80::1
    fe80::1%eth0 fd00:ec2::254 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe
    ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::169.254.169.254 2002:7f00:1:: 2002:a9fe:a9fe::1
    64:ff9b:1::7f00:1 64:ff9b:1:808:8:800::1 ::ffff:0:7f00:1 ::ffff:0:169.254.169.254 not-one`;
  for (const address of private_.split(/\s+/)) assert.ok(isPrivateAddress(address), address);
  const public_ = `1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 192.169.0.1 100.128.0.1 169.253.0.1
    2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1
    ::ffff:0:808:808`;
  for (const address of public_.split(/\s+/)) assert.not.ok(isPrivateAddress(address), address);
  const near = 'localhost a.localhost box host.docker.internal x.local 127.0.0.1 [::1] LOCALHOST.';
  for (const name of near.split(' ')) assert.ok(isNearName(name), name);
  for (const name of ['api.openai.com', 'localhost.example.com', 'local.example', 'x.internal.io'])
    assert.not.ok(isNearName(name), name);
});

test('a public name that leads to a private address is not dialled', async ({ server }) => {
  const { port } = new URL(server.url);
  const url = `http://models.example.com:${port}/v1`;
  const refused: readonly string[][] = [
    ['127.0.0.1'],
    ['169.254.169.254'],
    ['10.0.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['8.8.8.8', '127.0.0.1'],
  ];
  for (const addresses of refused) {
    const provider = new HttpProvider(settingsOf(url), lookupOf(addresses));
    const outcome = await ask(provider);
    assert.is(brief(outcome), 'RVB_MODEL_HTTP');
    assert.match(
      outcome.ok ? '' : outcome.error.message,
      /was not asked: models\.example\.com is the private address .*; if that is meant, set allow_private: true for test/,
    );
    await provider.close();
  }
  assert.is(server.sockets.size, 0);
  assert.equal(server.requests, []);
  const allowed = new HttpProvider(
    settingsOf(url, { allowPrivate: true }),
    lookupOf(['127.0.0.1']),
  );
  assert.is(brief(await ask(allowed)), 'ok ok');
  await allowed.close();
  for (const name of ['localhost', 'box', 'llm.local', 'host.docker.internal']) {
    const near = new HttpProvider(settingsOf(`http://${name}:${port}/v1`), lookupOf(['127.0.0.1']));
    assert.is(brief(await ask(near)), 'ok ok', name);
    await near.close();
  }
});

test('what is checked is what is dialled: a name that changes its address gains nothing', async ({
  server,
}) => {
  const { port } = new URL(server.url);
  // 192.0.2.0/24 is nobody's: the first dial leads nowhere, and later ones are checked anew.
  const lookup = lookupOf(['192.0.2.1'], ['127.0.0.1']);
  const provider = new HttpProvider(settingsOf(`http://rebind.example.com:${port}/v1`), lookup);
  assert.ok(brief(await ask(provider, 300)) !== 'ok ok');
  assert.is(brief(await ask(provider)).slice(0, 14), 'RVB_MODEL_HTTP');
  assert.ok(lookup.asked.length >= 2);
  assert.equal(server.requests, []);
  await provider.close();
});

test('a server without TLS is asked through the proxy by its whole URL', async ({
  server,
  proxy,
}) => {
  const { port } = new URL(server.url);
  const url = `http://models.example.com:${port}/v1`;
  const provider = new HttpProvider(
    settingsOf(url, { proxy: { url: proxy.url, key: PROXY_KEY }, headers: { 'x-team': 'search' } }),
    lookupOf(['8.8.8.8']),
  );
  assert.is(brief(await ask(provider)), 'ok ok');
  assert.is(brief(await ask(provider)), 'ok ok');
  assert.equal(proxy.seen, Array(2).fill(`POST ${url}/chat/completions`));
  assert.equal(proxy.keys, [BASIC, BASIC]);
  const [request] = server.requests;
  assert.match(request!, `host: models.example.com:${port}`);
  assert.match(request!, `authorization: Bearer ${CANARY}`);
  assert.match(request!, 'x-team: search');
  assert.not.match(request!, BASIC);

  proxy.refuseWith = 407;
  const outcome = await ask(provider);
  assert.is(brief(outcome), 'RVB_MODEL_HTTP 407');
  assert.match(outcome.ok ? '' : outcome.error.message, /proxy_key_env/);
  assert.not.match(JSON.stringify(outcome), new RegExp(`${BASIC.slice(6, 30)}|proxy-canary`));
  await provider.close();
});

test('a server with TLS is reached by CONNECT, and the proxy sees neither key nor prompt', async ({
  proxy,
}) => {
  const requests: string[] = [];
  const server = createTlsServer({ key: PEM, cert: PEM }, (socket) => {
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        requests.push(chunk.toString('latin1'));
        if (chunk.toString('latin1').endsWith('}')) socket.write(response(completion('ok')));
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `https://models.test:${port}/v1`;
  const settings = settingsOf(url, { proxy: { url: proxy.url, key: PROXY_KEY } });

  const strict = new HttpProvider(settings);
  const distrusted = await ask(strict);
  assert.match(distrusted.ok ? '' : distrusted.error.message, /its certificate is not trusted/);
  await strict.close();
  assert.equal(requests, []);

  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    const provider = new HttpProvider(settings);
    assert.is(brief(await ask(provider)), 'ok ok');
    const before = proxy.seen.length;
    assert.is(brief(await ask(provider)), 'ok ok');
    assert.is(proxy.seen.length, before, 'one tunnel served both calls');
    await provider.close();
  } finally {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  }
  assert.equal([...new Set(proxy.seen)], [`CONNECT models.test:${port}`]);
  assert.equal([...new Set(proxy.keys)], [BASIC]);
  assert.not.match(JSON.stringify(proxy.headers), CANARY);
  assert.match(requests.join(''), `authorization: Bearer ${CANARY}`);
  assert.not.match(requests.join(''), BASIC);

  for (const [status, expected] of [
    [407, 'RVB_MODEL_HTTP'],
    [403, 'RVB_MODEL_HTTP'],
    [502, 'RVB_MODEL_HTTP again'],
  ] as const) {
    proxy.refuseWith = status;
    const provider = new HttpProvider(settings);
    const outcome = await ask(provider);
    assert.is(brief(outcome), expected);
    const message = outcome.ok ? '' : outcome.error.message;
    assert.match(message, `the proxy answered ${status} to CONNECT`);
    assert.not.match(message, BASIC);
    await provider.close();
  }
  await new Promise((resolve) => server.close(resolve));
});

test('a proxy that is not there, or does not answer, is an outcome by the deadline', async ({
  server,
}) => {
  for (const base of ['https://models.test/v1', 'http://models.test/v1']) {
    const gone = settingsOf(base, { proxy: { url: 'http://127.0.0.1:1' } });
    const provider = new HttpProvider(gone);
    const outcome = await ask(provider);
    assert.is(brief(outcome), 'RVB_MODEL_HTTP again');
    assert.match(outcome.ok ? '' : outcome.error.message, 'check the proxy and the base URL of');
    await provider.close();
    server.script = () => {};
    const mute = new HttpProvider(settingsOf(base, { proxy: { url: new URL(server.url).origin } }));
    const start = performance.now();
    assert.is(brief(await ask(mute, 300)), 'RVB_TIMEOUT again');
    assert.ok(performance.now() - start < 1_500);
    await mute.close();
  }
});

test('a proxy that breaks off in CONNECT is asked once a call', async ({ proxy }) => {
  proxy.breaksOff = true;
  const base = 'https://models.test:9/v1';
  const provider = new HttpProvider(settingsOf(base, { proxy: { url: proxy.url } }));
  const outcome = await ask(provider, 2_000);
  assert.is(brief(outcome), 'RVB_MODEL_HTTP again');
  assert.match(outcome.ok ? '' : outcome.error.message, /the proxy broke off .*check the proxy/);
  assert.equal(proxy.seen, ['CONNECT models.test:9']);
  await provider.close();
});

test('a proxy with a public name that leads to a private address is not used', async ({
  proxy,
}) => {
  for (const base of ['https://models.test/v1', 'http://models.test/v1']) {
    const url = `http://proxy.example.com:${proxy.port}`;
    const provider = new HttpProvider(
      settingsOf(base, { proxy: { url } }),
      lookupOf(['127.0.0.1']),
    );
    const outcome = await ask(provider);
    assert.is(brief(outcome), 'RVB_MODEL_HTTP');
    assert.match(outcome.ok ? '' : outcome.error.message, 'proxy.example.com is the private');
    await provider.close();
  }
  assert.equal(proxy.seen, []);
});

test('variables of the environment name no proxy', async ({ server, proxy }) => {
  const names = [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'http_proxy',
    'https_proxy',
    'all_proxy',
  ];
  const env = Object.fromEntries([...names, 'npm_config_proxy'].map((name) => [name, proxy.url]));
  Object.assign(process.env, env, { NODE_USE_ENV_PROXY: '1', NO_PROXY: '' });
  try {
    await using engine = await openEngine({
      providers: { test: { baseUrl: server.url } satisfies Partial<HttpSettings> },
      model: 'test/m',
      env,
    });
    const { rows } = await engine.query(
      `RVBBIT MAP 'text.yaml' AS v USING (${queryOf([{ word: 'a', number: 1, sim: {} }])})`,
    );
    assert.is(rows[0]?.['v'], 'ok');
  } finally {
    for (const name of [...Object.keys(env), 'NODE_USE_ENV_PROXY', 'NO_PROXY'])
      delete process.env[name];
  }
  assert.equal(proxy.seen, []);
});

test.run();
