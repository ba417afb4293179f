/** Secrets of the configuration go to their server alone: a server that repeats them gets them nowhere. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, RvbbitError } from '../../src/index.ts';
import { rvbbitHere } from '../cli/here.ts';
import { type Ended, rvbbit } from '../cli/spawn.ts';
import { reportCases } from '../support/cases.ts';
import { type ProxyServer, proxyServer } from './proxy-server.ts';
import {
  completion,
  reply,
  response,
  type Script,
  type ScriptedServer,
  scriptedServer,
} from './support.ts';

const KEY = 'sk-canary/key+0123456789abcdef';
const HEADER = 'canary-header-0123456789abcdef';
const PASSWORD = 'canary"password-0123456789';
const QUERY = 'canary-query/0123456789abcdef';
const PROXY_KEY = `shop:${PASSWORD}`;
/** A few characters of each are enough to fail. */
const SECRETS = [
  KEY,
  KEY.slice(3, 19),
  HEADER,
  HEADER.slice(0, 16),
  PASSWORD,
  PASSWORD.slice(0, 15),
  encodeURIComponent(KEY),
  QUERY,
  encodeURIComponent(QUERY),
  JSON.stringify(PASSWORD).slice(1, -1),
  Buffer.from(PROXY_KEY).toString('base64').slice(0, 20),
];

const CASCADE = `cascade_id: ask
cells:
  - { name: ask, timeout: 400ms, instructions: "Say {{ input.word }}" }
`;

/** Everything that the server heard, in everything that it says. */
const ECHOES: Readonly<Record<string, (heard: string) => Script>> = {
  answer: (heard) => reply(completion(`you sent ${heard}`)),
  refusal: (heard) => reply(completion(null, {}, { refusal: heard })),
  'status 401': (heard) =>
    reply(JSON.stringify({ error: { message: heard, code: 'bad_key' } }), 401),
  'status 401 in one line': (heard) => reply(heard.replaceAll('\r\n', ' '), 401),
  '400 about the policy': (heard) =>
    reply(JSON.stringify({ error: { message: `content_policy ${heard}` } }), 400),
  'escaped for a URL': () => reply(JSON.stringify({ error: encodeURIComponent(KEY) }), 403),
  'in capitals': (heard) => reply(JSON.stringify({ error: heard.toUpperCase() }), 401),
  'bad JSON': (heard) => reply(`{"choices": ${heard}`),
  'error in a 200': (heard) => reply(JSON.stringify({ error: { code: 500, message: heard } })),
  redirect: () => reply('', 302, `location: https://example.com/?key=${KEY}\r\n`),
  'in the reason': () => (socket) =>
    socket.write(`HTTP/1.1 500 ${KEY}\r\n${KEY}: ${HEADER}\r\ncontent-length: 0\r\n\r\n`),
  'wrong framing': (heard) => (socket) => socket.write(`HTTP/1.1 ${heard}`),
  'wrong length': () => (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${KEY}\r\n\r\n${KEY}`),
  'never ends': (heard) => (socket) => socket.write(response(heard).subarray(0, -1)),
  'too late': () => () => {},
  'in a stream': (heard) => streamed(piecesOf(heard), 'stop'),
  'in a stream that is cut off': (heard) => streamed(piecesOf(heard)),
  'in a stream that ends at its limit': (heard) => streamed(piecesOf(heard), 'length'),
  'in a refusal in a stream': (heard) => streamed([{ refusal: heard }], 'stop'),
  'in an error in a stream': (heard) => streamed([], JSON.stringify({ error: { message: heard } })),
  'in a stream that is none': (heard) => streamed([], heard.replaceAll('\r\n', ' ')),
};

/** Within keys, too. */
function piecesOf(text: string): object[] {
  return (text.match(/[\s\S]{1,7}/g) ?? []).map((content) => ({ content }));
}

/** With a last event for a reason, else with what it says. */
function streamed(deltas: readonly object[], last?: string): Script {
  const chunk = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
  const isReason = last === 'stop' || last === 'length';
  const end = isReason ? `${chunk({}, last)}data: [DONE]\n\n` : `data: ${last ?? ''}\n\n`;
  const body = deltas.map((delta) => chunk(delta, null)).join('') + end;
  const head = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return (socket) => socket.write(head + body);
}

const test = suite<{ server: ScriptedServer; proxy: ProxyServer; folder: string }>('canary');
test.before(async (context) => {
  context.server = await scriptedServer();
  context.proxy = await proxyServer();
  context.folder = mkdtempSync(join(tmpdir(), 'rvbbit-canary-'));
  writeFileSync(join(context.folder, 'ask.yaml'), CASCADE);
});
test.after(async ({ server, proxy, folder }) => {
  await server.close();
  await proxy.close();
  rmSync(folder, { recursive: true });
});

function assertClean(what: string, text: string): void {
  assert.ok(text.length > 0, `${what}: nothing came`);
  const lower = text.toLowerCase();
  for (const secret of SECRETS) {
    const at = lower.indexOf(secret.toLowerCase());
    assert.is(at, -1, `${what}: ${text.slice(Math.max(0, at - 200), at + 200)}`);
  }
}

/** All that a thrown error holds, its causes too. */
function everythingOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const json = thrown instanceof RvbbitError ? JSON.stringify([thrown, thrown.summary]) : '';
  return `${json} ${thrown.message} ${thrown.stack} ${thrown.cause === undefined ? '' : everythingOf(thrown.cause)}`;
}

const MAP =
  "RVBBIT MAP PARALLEL 2 'ask.yaml' AS v USING (SELECT unnest(['a', 'b']) AS word) WITH (cache = 'refresh', retries = 1)";
const FAILING = MAP.replace('retries = 1', "retries = 0, on_error = 'fail'");

test('nothing that an engine gives holds a secret, whatever its server says', async ({
  server,
  proxy,
  folder,
}) => {
  for (const [proxied, type] of [
    [false, 'openai-compatible'],
    [true, 'openai-compatible'],
    [false, 'anthropic'],
  ] as const) {
    const heard: string[] = [];
    const hear = (value: unknown): void => {
      heard.push(JSON.stringify(value));
    };
    await using engine = await Engine.open({
      cascades: folder,
      threads: 1,
      env: { WORK_KEY: KEY },
      providers: {
        work: {
          baseUrl: `${server.url}?key=${encodeURIComponent(QUERY)}&version=1`,
          apiKeyEnv: 'WORK_KEY',
          type,
          headers: { 'x-team-token': `Token ${HEADER}` },
          ...(proxied ? { proxy: proxy.url, proxyKey: PROXY_KEY } : {}),
        },
      },
      model: 'work/m',
      logger: { debug: hear, info: hear, warn: hear, error: hear },
    });
    engine.events.on('record', hear);
    // The first call of an engine also loads what calls need.
    server.script = reply(completion('warm'));
    await engine.query(MAP);
    for (const [name, echo] of Object.entries(ECHOES)) {
      server.script = (socket, request) => echo(request)(socket, request);
      const before = server.requests.length;
      const result = await engine.query(MAP);
      assert.ok(server.requests.length > before, `${name}: it was asked`);
      assert.match(
        server.requests.at(-1)!,
        type === 'anthropic' ? `x-api-key: ${KEY}` : `Bearer ${KEY}`,
      );
      assertClean(`${name}: result`, JSON.stringify(result));
      await engine.query(FAILING).catch((thrown: unknown) => {
        assertClean(`${name}: error`, everythingOf(thrown));
      });
    }
    if (proxied) {
      for (const status of [401, 407]) {
        proxy.refuseWith = status;
        const result = await engine.query(MAP);
        assert.is(result.summary.rows.failed, 2);
        assertClean(`proxy ${status}`, JSON.stringify(result));
      }
      proxy.refuseWith = undefined;
      assert.ok(proxy.keys.every((key) => key?.startsWith('Basic ')));
    }
    server.script = (socket, request) => ECHOES['status 401']!(request)(socket, request);
    assertClean('run', JSON.stringify(await engine.runCascade('ask.yaml', { word: 'a' })));
    assertClean('EXPLAIN', JSON.stringify(await engine.explain(MAP)));
    assertClean('EXPLAIN as a statement', JSON.stringify(await engine.query(`EXPLAIN ${MAP}`)));
    assert.ok(heard.some((record) => record.includes('attempt.end')));
    assertClean('events and logs', heard.join('\n'));
  }
  reportCases(3 * Object.keys(ECHOES).length, 'servers that repeat what they were told');
});

test('nothing that the command line writes holds a secret', async ({ server, proxy, folder }) => {
  const config = `model: work/m
providers:
  work:
    base_url: ${server.url}?subscription=${HEADER}
    api_key_env: WORK_KEY
    proxy: ${proxy.url}
    proxy_key_env: WORK_PROXY
    headers: { x-gateway: ${HEADER} }
`;
  const write = (text: string): void => writeFileSync(join(folder, 'rvbbit.config.yaml'), text);
  write(config);
  writeFileSync(join(folder, 'ask.yaml'), CASCADE.replace('400ms', '30s'));
  const env = { WORK_KEY: KEY, WORK_PROXY: PROXY_KEY };
  /** In this process, but for one command line: the first. */
  let start = rvbbit;
  const run = async (...args: string[]): Promise<Ended> => {
    const ended = await start(args, { cwd: folder, env });
    start = rvbbitHere;
    assertClean(args.join(' '), ended.stdout + ended.stderr);
    return ended;
  };
  const errors = { answer: 0, 'status 401': 5 } as const;
  for (const [name, code] of Object.entries(errors)) {
    server.script = (socket, request) =>
      ECHOES[name]!(request.replaceAll(HEADER, '…'))(socket, request);
    const ended = await run('-c', MAP, '--stats', '--format', 'json');
    assert.is(ended.code, code, `${name}: ${ended.stderr}`);
  }
  await run('run', 'ask.yaml', '--input', '{"word": "a"}', '--outputs');
  proxy.refuseWith = 407;
  assert.is((await run('-c', MAP, '--format', 'json')).code, 5);
  proxy.refuseWith = undefined;
  await run('explain', MAP);
  await run('doctor', '--json');
  const shown = await run('config', 'show');
  assert.is(shown.code, 0);
  assert.match(shown.stdout, /proxy_key_env: WORK_PROXY\s+# rvbbit\.config\.yaml, which is set/);
  assert.match(shown.stdout, /x-gateway.*\[redacted\]/);
  const json = JSON.parse((await run('config', 'show', '--json')).stdout);
  assert.is(json.providers[0].id, 'work');
  assert.is((await run('config')).code, 2);

  const wrong = [
    config.replace('api_key_env: WORK_KEY', `api_key: ${KEY}`),
    config.replace('api_key_env: WORK_KEY', `api_key_env: ${KEY}`),
    config.replace('proxy_key_env: WORK_PROXY', `proxy_key: '${PROXY_KEY}'`),
    config.replace('proxy_key_env: WORK_PROXY', `proxy_key_env: '${PROXY_KEY}'`),
    config.replace('proxy: http://', `proxy: http://${PROXY_KEY.replace('"', '')}@`),
    config.replace('base_url: http://', `base_url: http://me:${HEADER}@`),
    config.replace('base_url: http://', `base_url: http://me:${HEADER}@[`),
    config.replace('base_url: http://', `base_url: me:${HEADER}@`),
    config.replace(/work:\n[\s\S]*/, `work: ${KEY}\n`),
    config.replace('x-gateway', 'x-api-key'),
    config.replace(`headers: { x-gateway: ${HEADER} }`, `headers: ${HEADER}`),
    config
      .replace(`headers: { x-gateway: ${HEADER} }`, `${HEADER}x: 1`)
      .replace(`${HEADER}x`, 'hdrs'),
  ];
  for (const text of wrong) {
    write(text);
    const configFile = join(folder, 'rvbbit.config.yaml');
    await using engine = await Engine.open({ cascades: folder, threads: 1, env, configFile });
    const thrown = await engine.query(MAP).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(thrown instanceof RvbbitError, text);
    assert.is(thrown.stage, 'open');
    assertClean(text.slice(0, 20), everythingOf(thrown));
  }
  assert.is((await run('-c', MAP)).code, 2);
  assert.is((await run('config', 'show')).code, 2);
  await run('doctor');
  const journal = join(folder, '.rvbbit/journal');
  const segments = readdirSync(journal).filter((name) => name.endsWith('.ndjson'));
  assert.ok(segments.length > 0);
  for (const name of segments) assertClean(name, readFileSync(join(journal, name), 'utf8'));
});

test.run();
