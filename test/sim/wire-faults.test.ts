import { createGunzip } from 'node:zlib';
import { request } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Fault } from '../../src/sim/fault.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { chat, chatOf, faulty, until, wire, withSimulator } from './support.ts';

const WHOLE = await withSimulator({}, async (sim) => (await chat(sim, 'hello')).text);

/** What a fault looks like on the socket. */
function seen(fault: Partial<Fault> & { kind: Fault['kind'] }, forMs?: number) {
  return withSimulator(faulty(fault), async (sim) => {
    const found = await wire(sim, 'hello', forMs);
    await until(() => sim.ledger().totals.inFlight === 0);
    return { ...found, entry: sim.ledger().entries[0]! };
  });
}

test('error statuses come with their body and any Retry-After', async () => {
  for (const status of [400, 401, 403, 404, 413, 429, 500, 502, 503, 504, 529]) {
    await withSimulator(faulty({ kind: 'status', status }), async (sim) => {
      const reply = await chat(sim, 'a');
      assert.is(reply.status, status);
      assert.type(reply.json.error.message, 'string');
      assert.is(reply.headers['retry-after'], undefined);
      const entry = sim.ledger().entries[0]!;
      assert.equal([entry.outcome, entry.fault, entry.tokensIn], ['faulted', 'status', 0]);
    });
  }
  for (const [retryAfter, header] of [
    [7, '7'],
    [-1, '-1'],
    [1e9, '1000000000'],
    ['soon', 'soon'],
  ] as const) {
    await withSimulator({ rules: [{ status: 429, retryAfter }] }, async (sim) => {
      assert.is((await chat(sim, 'a')).headers['retry-after'], header);
    });
  }
  const retryAfter = { dateInSeconds: 30 };
  const code = 'context_length_exceeded';
  await withSimulator({ rules: [{ status: 429, retryAfter, code }] }, async (sim) => {
    const { headers, json } = await chat(sim, 'a');
    const ms = Date.parse(String(headers['retry-after'])) - Date.now();
    assert.ok(ms > 27_000 && ms <= 30_000, String(ms));
    assert.is(json.error.code, code);
  });
});

test('rules choose calls by ordinal, content, attempt, model, chance and count', async () => {
  const statuses = (rule: object, contents: readonly string[], more: object = {}) =>
    withSimulator({ rules: [{ status: 503, ...rule }] } as SimulatorOptions, async (sim) => {
      const found: number[] = [];
      for (const content of contents) found.push((await chat(sim, content, more)).status);
      return found.map((status) => (status === 200 ? '.' : 'x')).join('');
    });
  const abc = ['a', 'b', 'c', 'a', 'b', 'c'];
  assert.is(await statuses({ when: { ordinals: [2, 5] } }, abc), '.x..x.');
  assert.is(await statuses({ when: { from: 3, to: 4 } }, abc), '..xx..');
  assert.is(await statuses({ when: { every: 3 } }, abc), '..x..x');
  assert.is(await statuses({ when: { contains: 'b' } }, abc), '.x..x.');
  assert.is(await statuses({ when: { matches: '^[ac]$' } }, abc), 'x.xx.x');
  assert.is(await statuses({ when: { attempt: 2 } }, abc), '...xxx');
  assert.is(await statuses({ attempts: 1 }, abc), 'xxx...');
  assert.is(await statuses({ times: 2 }, abc), 'xx....');
  assert.is(await statuses({ when: { model: 'other' } }, abc), '......');
  assert.is(await statuses({ when: { endpoint: 'embeddings' } }, abc), '......');
  const many = Array.from({ length: 200 }, (_, at) => `row ${at}`);
  const drawn = await statuses({ when: { probability: 0.25 } }, many);
  assert.is(await statuses({ when: { probability: 0.25 } }, many), drawn);
  const hits = drawn.replaceAll('.', '').length;
  assert.ok(hits > 25 && hits < 80, String(hits));
});

test('the first rule that matches decides, and a rule may only answer', async () => {
  const rules = [{ when: { contains: 'b' }, answer: { n: 1 } }, { status: 500 }];
  await withSimulator({ rules }, async (sim) => {
    assert.is((await chat(sim, 'b')).json.choices[0].message.content, '{"n":1}');
    assert.is((await chat(sim, 'a')).status, 500);
  });
});

test('a connection ends by FIN or RST before, within and after the headers', async () => {
  for (const how of ['fin', 'reset'] as const) {
    const before = await seen({ kind: 'disconnect', how, at: 'before-headers' });
    assert.equal([before.head, before.end, before.entry.status], ['', how, null]);
    const within = await seen({ kind: 'disconnect', how, at: 'in-headers' });
    assert.match(within.head, /^HTTP\/1\.1 200 OK\r\n/);
    assert.not.match(within.head, 'Connection');
    assert.is(within.end, how);
    for (const afterBytes of [0, 20]) {
      const after = await seen({ kind: 'disconnect', how, at: 'in-body', afterBytes });
      assert.is(after.body.toString(), WHOLE.slice(0, afterBytes));
      assert.is(after.end, how);
      assert.equal([after.entry.outcome, after.entry.status], ['faulted', 200]);
    }
  }
});

test('a hanging call sends no byte until the client leaves', async () => {
  const { head, end, entry } = await seen({ kind: 'hang' }, 150);
  assert.equal([head, end], ['', 'open']);
  assert.equal([entry.outcome, entry.fault, entry.status], ['aborted', 'hang', null]);
});

test('a drip sends the whole answer, a few bytes at a time', async () => {
  await withSimulator(faulty({ kind: 'drip', everyMs: 5, bytes: 16 }), async (sim) => {
    const { body, times } = await wire(sim, 'hello', 700);
    assert.is(body.toString(), WHOLE);
    assert.ok(times.length > 10 && times.at(-1)! > 80, `${times}`);
    assert.is(sim.ledger().entries[0]!.outcome, 'faulted');
  });
});

test('a stall stops after so many bytes and stays silent', async () => {
  for (const afterBytes of [0, 1, 100, 99_999]) {
    const { body, end, entry } = await seen({ kind: 'stall', afterBytes }, 80);
    assert.is(body.toString(), WHOLE.slice(0, Math.min(afterBytes, WHOLE.length - 1)));
    assert.equal([end, entry.outcome, entry.status], ['open', 'aborted', 200]);
  }
});

test('an endless body goes on', async () => {
  const { body, end } = await seen({ kind: 'endless', everyMs: 2, bytes: 100 }, 200);
  assert.is(end, 'open');
  assert.ok(body.length > WHOLE.length + 1_000, String(body.length));
});

test('a body is cut at any byte, under a true or a wrong Content-Length', async () => {
  for (const afterBytes of [0, 1, 57, WHOLE.length - 1]) {
    const whole = await seen({ kind: 'cut', afterBytes });
    assert.match(whole.head, `Content-Length: ${WHOLE.length}`);
    assert.equal([whole.body.toString(), whole.end], [WHOLE.slice(0, afterBytes), 'fin']);
    await withSimulator(faulty({ kind: 'cut', afterBytes, length: 'sent' }), async (sim) => {
      assert.is((await chat(sim, 'hello')).text, WHOLE.slice(0, afterBytes));
    });
    await withSimulator(faulty({ kind: 'cut', afterBytes, length: 'chunked' }), async (sim) => {
      const { headers, text } = await chat(sim, 'hello');
      assert.is(headers['content-length'], undefined);
      assert.is(text, WHOLE.slice(0, afterBytes));
    });
  }
  const long = await seen({ kind: 'cut', length: 5 });
  assert.match(long.head, 'Content-Length: 5\r\n');
  assert.is(long.body.toString(), WHOLE);
});

test('chunk sizes are wrong in every way, and clients refuse them', async () => {
  for (const size of ['garbage', 'negative', 'huge', 'short', 'unterminated'] as const) {
    const { head, body, end } = await seen({ kind: 'chunks', size });
    assert.match(head, 'Transfer-Encoding: chunked');
    assert.ok(body.includes(WHOLE));
    assert.is(end, 'fin');
    await withSimulator(faulty({ kind: 'chunks', size }), async (sim) => {
      const failed = await chat(sim, 'hello').then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      assert.instance(failed, Error, size);
    });
  }
});

test('a gzip bomb is small on the wire, huge inflated, and valid to its end', async () => {
  const bytes = 64 * 1_048_576;
  await withSimulator(faulty({ kind: 'gzip-bomb', bytes }), async (sim) => {
    const { headers, body } = await request(`${sim.url}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(chatOf('hello')),
    });
    assert.is(headers['content-encoding'], 'gzip');
    assert.ok(Number(headers['content-length']) < bytes / 500);
    let size = 0;
    let last = Buffer.alloc(0);
    for await (const part of body.pipe(createGunzip())) {
      size += part.length;
      last = Buffer.concat([last, part]).subarray(-WHOLE.length);
    }
    assert.is(size, bytes + WHOLE.length);
    assert.is(last.toString(), WHOLE);
  });
});

test('redirects point where a client must not go', async () => {
  for (const location of [
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]:1/',
    'file:///etc/passwd',
    'https://other.example/v1/chat/completions',
  ]) {
    for (const status of [301, 302, 307] as const) {
      await withSimulator(faulty({ kind: 'redirect', status, location }), async (sim) => {
        const reply = await chat(sim, 'a');
        assert.equal([reply.status, reply.headers['location']], [status, location]);
      });
    }
  }
});

test('any bytes can take the place of an answer', async () => {
  const text = 'SSH-2.0-OpenSSH\r\n';
  const plain = await seen({ kind: 'bytes', text });
  assert.equal([plain.head, plain.end], [text, 'fin']);
  const packed = await seen({ kind: 'bytes', base64: Buffer.from(text).toString('base64') });
  assert.is(packed.head, text);
});

test('a faulted call leaves the next one on its connection alone', async () => {
  const rules = [{ fault: { kind: 'cut', length: 'sent', afterBytes: 9 }, times: 1 } as const];
  await withSimulator({ rules }, async (sim) => {
    assert.is((await chat(sim, 'hello')).text, WHOLE.slice(0, 9));
    assert.is((await chat(sim, 'hello')).text, WHOLE);
  });
});

test.run();
