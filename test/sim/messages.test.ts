/** The simulated server as Anthropic's: messages, tools, errors, limits and streams. */
import { request } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { withSimulator } from './support.ts';

/** A reply's JSON, read without more checks than the tests make. */
type Body = Readonly<Record<string, unknown>> & {
  readonly content?: readonly Readonly<Record<string, unknown>>[];
};

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Body;
}

const SCHEMA = {
  type: 'object',
  properties: { mood: { enum: ['good', 'bad'] } },
  required: ['mood'],
};
const TOOL = {
  tools: [{ name: 'answer', input_schema: SCHEMA }],
  tool_choice: { type: 'tool', name: 'answer' },
};

const CLOSED = { ...SCHEMA, additionalProperties: false };
const structured = (schema: object) => ({
  output_config: { format: { type: 'json_schema', schema } },
});

async function send(
  { url }: { readonly url: string },
  body: object,
  headers: Readonly<Record<string, string>> = { 'anthropic-version': '2023-06-01' },
): Promise<Reply> {
  const whole = {
    ...{ model: 'claude', max_tokens: 100, messages: [{ role: 'user', content: 'Hello there' }] },
    ...body,
  };
  const sent = { method: 'POST', headers, body: JSON.stringify(whole) } as const;
  const got = await request(`${url}/messages`, sent);
  const text = await got.body.text();
  return {
    status: got.statusCode,
    headers: got.headers,
    text,
    get json() {
      return JSON.parse(text) as Body;
    },
  };
}

test('a message is answered in the form of the protocol, with what the cache gave', async () => {
  const rules = [{ cachedShare: 0.5, cacheWriteShare: 0.25 }];
  await withSimulator({ rules }, async (sim) => {
    const { status, json } = await send(sim, { system: [{ type: 'text', text: 'Be kind.' }] });
    assert.is(status, 200);
    assert.match(String(json['id']), /^msg_[0-9a-f]{32}$/);
    assert.equal(json.content, [{ type: 'text', text: 'Hello there' }]);
    assert.equal(
      [json['type'], json['role'], json['stop_reason']],
      ['message', 'assistant', 'end_turn'],
    );
    // 19 characters are 5 tokens: 2 from the cache, 1 put there, and 2 more.
    assert.equal(json['usage'], {
      input_tokens: 2,
      cache_creation_input_tokens: 1,
      cache_read_input_tokens: 2,
      output_tokens: 3,
    });
    const [entry] = sim.ledger().entries;
    assert.equal(
      [entry?.endpoint, entry?.tokensIn, entry?.tokensCached, entry?.tokensCacheWrite],
      ['messages', 5, 2, 1],
    );
  });
});

test('a forced tool is called with an instance of its schema', async () => {
  await withSimulator({}, async (sim) => {
    const { json } = await send(sim, TOOL);
    const [block] = json.content!;
    assert.equal([block?.['type'], block?.['name']], ['tool_use', 'answer']);
    assert.match(JSON.stringify(block?.['input']), /^\{"mood":"(good|bad)"\}$/);
    assert.is(json['stop_reason'], 'tool_use');
  });
});

test('a structured output is an instance of its schema as text, with thinking too', async () => {
  await withSimulator({}, async (sim) => {
    const thinking = { type: 'enabled', budget_tokens: 1_024 };
    const { json } = await send(sim, { ...structured(CLOSED), thinking });
    assert.match(String(json.content?.[0]?.['text']), /^\{"mood":"(good|bad)"\}$/);
    assert.is(json['stop_reason'], 'end_turn');
    await send(sim, TOOL);
    await send(sim, {});
    assert.equal(
      sim.ledger().entries.map(({ form }) => form),
      ['json_schema', 'tool', undefined],
    );
  });
});

test('what a server is told to refuse is refused in the words of its protocol', async () => {
  await withSimulator({ refuses: ['output_config'] }, async (sim) => {
    const { status, json } = await send(sim, structured(CLOSED));
    assert.is(status, 400);
    const { message } = json['error'] as { message: string };
    assert.is(message, 'output_config: Extra inputs are not permitted');
    assert.is(sim.ledger().entries[0]?.outcome, 'rejected');
  });
});

test('wrong requests get the error that Anthropic gives', async () => {
  const options: SimulatorOptions = { requireKey: 'k', models: ['claude'] };
  await withSimulator(options, async (sim) => {
    const good = { 'anthropic-version': '2023-06-01', 'x-api-key': 'k' };
    const error = async (body: object, headers = good) => {
      const { status, json } = await send(sim, body, headers);
      assert.is(json['type'], 'error');
      return `${status} ${(json['error'] as { type: string }).type}`;
    };
    assert.is((await send(sim, {}, good)).status, 200);
    assert.is(await error({}, { ...good, 'x-api-key': 'other' }), '401 authentication_error');
    assert.is(await error({ model: 'gone' }), '404 not_found_error');
    const text = { role: 'user', content: 'a' };
    const wrong: readonly object[] = [
      { max_tokens: undefined },
      { max_tokens: 0 },
      { messages: [] },
      { messages: [{ role: 'system', content: 'a' }] },
      { messages: [{ role: 'assistant', content: 'a' }] },
      { messages: [{ role: 'user', content: '' }] },
      { messages: [{ role: 'user', content: [{ type: 'text', text: ' ' }] }] },
      { messages: [text, { role: 'assistant', content: [{ type: 'image' }] }] },
      { system: [{ type: 'text', text: 'a', cache_control: { type: 'for ever' } }] },
      { temperature: 1.5 },
      { seed: 1 },
      { response_format: { type: 'json_object' } },
      { stream: 'yes' },
      { ...TOOL, tool_choice: { type: 'tool', name: 'other' } },
      { ...TOOL, tools: [{ name: 'answer', input_schema: { type: 'string' } }] },
      { ...TOOL, thinking: { type: 'enabled', budget_tokens: 1_024 } },
      { output_config: { format: { type: 'json_object' } } },
      { output_config: { format: { type: 'json_schema' } } },
      structured({ type: 'object', properties: {} }),
      structured({ ...CLOSED, properties: { a: { type: 'object', properties: {} } } }),
      structured({ ...CLOSED, properties: { a: { type: 'integer', minimum: 1 } } }),
      structured({ ...CLOSED, properties: { a: {} } }),
      structured({ ...CLOSED, properties: { a: { type: 'string', anyOf: [{ type: 'null' }] } } }),
    ];
    for (const body of wrong) {
      assert.is(await error(body), '400 invalid_request_error', JSON.stringify(body));
    }
    const { 'x-api-key': key } = good;
    const { status } = await send(sim, {}, { 'x-api-key': key });
    assert.is(status, 400, 'the version is missing');
  });
});

test('statuses and limits have the form of the protocol', async () => {
  await withSimulator({ rules: [{ status: 529, attempts: 1 }] }, async (sim) => {
    const { status, json } = await send(sim, {});
    assert.is(status, 529);
    assert.is((json['error'] as { type: string }).type, 'overloaded_error');
    assert.is((await send(sim, {})).status, 200);
  });
  await withSimulator({ limits: { requests: 1, inputTokens: 100 } }, async (sim) => {
    const { headers } = await send(sim, {});
    assert.is(headers['anthropic-ratelimit-requests-limit'], '1');
    assert.is(headers['anthropic-ratelimit-requests-remaining'], '0');
    assert.is(headers['anthropic-ratelimit-input-tokens-remaining'], '97');
    assert.match(String(headers['anthropic-ratelimit-requests-reset']), /^\d{4}-.*Z$/);
    const over = await send(sim, {});
    assert.is(over.status, 429);
    assert.ok(Number(over.headers['retry-after']) > 0);
    assert.is((over.json['error'] as { type: string }).type, 'rate_limit_error');
  });
});

/** The events of a stream: their names and data. */
function eventsOf(text: string): readonly (readonly [string, Body])[] {
  return text
    .trimEnd()
    .split('\n\n')
    .map((event) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event)!;
      return [name!, JSON.parse(data!) as Body] as const;
    });
}

test('a stream has the events of the protocol in their order', async () => {
  await withSimulator({ rules: [{ answer: { mood: 'good' } }] }, async (sim) => {
    const { headers, text } = await send(sim, { ...TOOL, stream: true });
    assert.is(headers['content-type'], 'text/event-stream');
    const events = eventsOf(text);
    assert.equal(
      events.map(([name]) => name).join(' '),
      'message_start ping content_block_start content_block_delta content_block_delta content_block_stop message_delta message_stop',
    );
    for (const [name, data] of events) assert.is(data['type'], name);
    const pieces = events.map(
      ([, { delta }]) => (delta as Body | undefined)?.['partial_json'] ?? '',
    );
    assert.is(pieces.join(''), '{"mood":"good"}');
    const [, last] = events.at(-2)!;
    assert.equal((last['delta'] as Body)['stop_reason'], 'tool_use');
    assert.equal((last['usage'] as Body)['output_tokens'], 4);
  });
  const rules = [{ fault: { kind: 'content', what: 'error-body' } as const }];
  await withSimulator({ rules }, async (sim) => {
    const { status, text } = await send(sim, { stream: true });
    assert.is(status, 200);
    assert.is(eventsOf(text).at(-1)?.[0], 'error');
  });
});

test('a completion is streamed with its usage where that is asked for', async () => {
  await withSimulator({}, async ({ url }) => {
    const stream = async (more: object) => {
      const messages = [{ role: 'user', content: 'Hello there, all of you' }];
      const body = JSON.stringify({ model: 'm', messages, stream: true, ...more });
      const got = await request(`${url}/chat/completions`, { method: 'POST', body });
      return got.body.text();
    };
    const text = await stream({ stream_options: { include_usage: true } });
    const data = text.trimEnd().split('\n\n');
    assert.is(data.at(-1), 'data: [DONE]');
    const chunks = data.slice(0, -1).map((line) => JSON.parse(line.slice(6)));
    assert.ok(chunks.every(({ object }) => object === 'chat.completion.chunk'));
    const said = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    assert.is(said, 'Hello there, all of you');
    assert.equal([chunks.at(-1).choices, chunks.at(-1).usage.prompt_tokens], [[], 6]);
    assert.is(chunks.at(-2).choices[0].finish_reason, 'stop');
    assert.not.match(await stream({}), /usage/);
    const wrong = await stream({ stream: false, stream_options: { include_usage: true } });
    assert.match(wrong, /only allowed when 'stream' is enabled/);
  });
});

test.run();
