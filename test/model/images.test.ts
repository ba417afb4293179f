/** Images on cells: their bytes reach the server, their hashes the key, and what is no image fails its row. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const PNG = Buffer.concat([
  Buffer.from('89504e470d0a1a0a', 'hex'),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
]);
const JPEG = Buffer.from('ffd8ffe000104a46494600', 'hex');
const cascades = makeFolder({
  'look.yaml': `
inputs_schema: { type: object, properties: { photo: {}, other: {} } }
cells:
  - name: look
    instructions: "What is on it?"
    images: [input.photo, input.other]
`,
  'read.yaml': 'cells: [{ name: look, instructions: "Read {{ input.photo }}" }]\n',
  'wrong.yaml': `
inputs_schema: { photo: a picture }
cells:
  - { name: a, instructions: x, images: [input.foto] }
  - { name: b, instructions: x, images: [outputs.a, input.photo, input.photo] }
  - { name: c, tool: js, inputs: { code: return 1 }, images: [input.photo] }
`,
});
test.after(() => removeFolder(cascades));

interface Server {
  readonly url: string;
  /** Hashes of the images of each call, in order. */
  readonly seen: string[][];
  close(): void;
}

/** A server of both protocols that keeps what images came. */
async function server(): Promise<Server> {
  const seen: string[][] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const isAnthropic = request.url!.endsWith('/messages');
      const pattern = isAnthropic
        ? /"type":"base64","media_type":"image\/(?:png|jpeg)","data":"([^"]+)"/g
        : /"url":"data:image\/(?:png|jpeg);base64,([^"]+)"/g;
      const images = [...text.matchAll(pattern)].map(([, data]) => Buffer.from(data!, 'base64'));
      seen.push(images.map(hashOf));
      const said = `${images.length} images`;
      const body = isAnthropic
        ? {
            type: 'message',
            role: 'assistant',
            content: [{ type: 'text', text: said }],
            stop_reason: 'end_turn',
            usage: { input_tokens: 1, output_tokens: 1 },
          }
        : {
            choices: [{ message: { content: said }, finish_reason: 'stop' }],
            usage: { prompt_tokens: 1, completion_tokens: 1 },
          };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, seen, close: () => http.close() };
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const MAP = `RVBBIT MAP PARALLEL 2 'look.yaml' AS said USING (SELECT id, photo, other FROM pictures ORDER BY id)`;

/** Pictures: two equal ones, none, a text, and two in one row. */
async function withPictures(
  type: 'openai-compatible' | 'anthropic',
  options: EngineOptions,
  use: (engine: Engine, server: Server) => Promise<void>,
): Promise<void> {
  const at = await server();
  const engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { see: { type, baseUrl: at.url, apiKey: 'k' } },
    model: 'see/any',
    ...options,
  });
  try {
    await engine.query('CREATE TABLE pictures (id INTEGER, photo BLOB, other BLOB)');
    await engine.query(
      'INSERT INTO pictures VALUES (1, $1, NULL), (2, $1, NULL), (3, NULL, NULL)',
      [PNG],
    );
    await engine.query("INSERT INTO pictures VALUES (4, 'no picture'::BLOB, NULL)");
    await engine.query('INSERT INTO pictures VALUES (5, $1, $2)', [PNG, JPEG]);
    await use(engine, at);
  } finally {
    await engine.close();
    at.close();
  }
}

for (const type of ['openai-compatible', 'anthropic'] as const) {
  test(`images arrive unharmed, in the protocol ${type}`, () =>
    withPictures(type, {}, async (engine, { seen }) => {
      await engine.query("INSERT INTO pictures VALUES (6, repeat('x', 5000001)::BLOB, NULL)");
      const { rows, summary } = await engine.query(MAP);
      assert.equal(
        rows.map(({ said }) => said),
        ['1 images', '1 images', '0 images', null, '2 images', null],
      );
      const hashes = seen.map((images) => images.join()).sort();
      // Equal images are one call.
      assert.equal(hashes, ['', hashOf(PNG), `${hashOf(PNG)},${hashOf(JPEG)}`].sort());
      const failures = summary.failures.map(({ message }) => message).join('\n');
      assert.match(failures, 'input.photo is no image that models take: PNG, JPEG, GIF and WebP');
      assert.match(
        failures,
        'input.photo is an image of 5000001 bytes, and at most 5000000 are sent',
      );
    }));
}

test('an answer is found again by the images that it was given for; their bytes are kept nowhere', async () => {
  const stateDir = makeFolder({});
  const configFile = makeFolder({ 'c.yaml': 'journal: { prompts: true }\n' });
  try {
    const options = { stateDir, configFile: `${configFile}/c.yaml` };
    const prompts: string[] = [];
    await withPictures('openai-compatible', options, async (engine, { seen }) => {
      engine.events.on('record', (record) => {
        if (record.t === 'attempt.start') prompts.push(JSON.stringify(record.prompt));
      });
      await engine.query(MAP);
      assert.is(seen.length, 3);
    });
    assert.ok(prompts.some((prompt) => prompt.includes(hashOf(PNG))));
    assert.ok(!prompts.join().includes(PNG.toString('base64')));
    await withPictures('openai-compatible', options, async (engine, { seen }) => {
      const { summary } = await engine.query(MAP);
      assert.equal([summary.calls.sent, summary.calls.cacheHits], [0, 3]);
      await engine.query('UPDATE pictures SET other = $1 WHERE id = 2', [JPEG]);
      const report = await engine.explain(MAP);
      assert.is(report.calls.expected, 0);
      await engine.query(MAP);
      assert.is(seen.length, 0, 'the picture of row 2 is now that of row 5');
    });
  } finally {
    removeFolder(stateDir);
    removeFolder(configFile);
  }
});

test('a column that is no BLOB, and a BLOB in a prompt, are refused before anything is asked', () =>
  withPictures('openai-compatible', {}, async (engine, { seen }) => {
    const refusal = async (file: string, query: string) =>
      engine.query(`RVBBIT MAP '${file}' USING (${query})`).then(
        () => '',
        ({ code, message }) => `${code}: ${message}`,
      );
    assert.match(
      await refusal('look.yaml', "SELECT 'x' AS photo"),
      /RVB_TYPE_MISMATCH: look.yaml: cell look sends input.photo as an image, and the column is VARCHAR/,
    );
    assert.match(
      await refusal('read.yaml', 'SELECT photo FROM pictures'),
      /RVB_TYPE_MISMATCH: read.yaml:1: the prompt reads input.photo, which is a BLOB.*images: \[input.photo\]/,
    );
    const wrong = await refusal('wrong.yaml', 'SELECT photo FROM pictures');
    assert.match(wrong, 'unknown name input.foto');
    assert.match(wrong, 'images takes inputs that are BLOBs, e.g. [input.photo]');
    assert.match(wrong, 'input.photo is there twice');
    assert.match(wrong, 'images belongs to a cell with instructions');
    assert.is(seen.length, 0);
  }));

test('the simulator takes images in both protocols, and refuses what is none', async () => {
  await using simulator = await startSimulator();
  for (const type of ['openai-compatible', 'anthropic'] as const) {
    const providers = { sim: { type, baseUrl: simulator.url, apiKey: 'k' } };
    await using engine = await Engine.open({ cascades, threads: 1, providers, model: 'sim/any' });
    const { summary } = await engine.query(
      "RVBBIT MAP 'look.yaml' USING (SELECT $1::BLOB AS photo)",
      [PNG],
    );
    assert.equal([summary.rows.ok, summary.rows.failed], [1, 0]);
  }
  const image_url = { url: 'data:text/plain;base64,eA==' };
  const content = [{ type: 'image_url', image_url }];
  const response = await fetch(`${simulator.url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
  });
  assert.is(response.status, 400);
});

test.run();
