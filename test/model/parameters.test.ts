/** Parameters that a model refuses: told, known of OpenAI's own host, and learned from the refusal. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions } from '../../src/index.ts';
import { type ParameterRules, parametersFor, withRefusal } from '../../src/model/parameters.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const OPENAI = 'https://api.openai.com/v1';
const OTHER = 'https://models.example/v1';
const applied = (baseUrl: string, model: string, rules?: ParameterRules) =>
  parametersFor({ baseUrl, ...(rules === undefined ? {} : { parameters: rules }) }, model, {
    temperature: 0,
    max_tokens: 20,
    reasoning_effort: 'low',
  });

test("OpenAI's own models get what they take, other servers what the cell says", () => {
  const effort = { reasoning_effort: 'low' };
  assert.equal(applied(OPENAI, 'gpt-4o-mini'), {
    temperature: 0,
    max_completion_tokens: 20,
    ...effort,
  });
  for (const model of ['o3-mini', 'o1', 'gpt-5', 'gpt-5-nano']) {
    assert.equal(applied(OPENAI, model), { max_completion_tokens: 20, ...effort }, model);
  }
  assert.ok('temperature' in applied(OPENAI, 'gpt-5-chat-latest'));
  assert.equal(applied(OTHER, 'o3'), { temperature: 0, max_tokens: 20, ...effort });
});

test("Anthropic's own older models get no structured output", () => {
  const ofModel = (baseUrl: string, model: string, parameters = {}) => {
    const implied = () => ({ output_config: {} });
    return 'output_config' in parametersFor({ baseUrl, parameters }, model, {}, undefined, implied);
  };
  const own = 'https://api.anthropic.com/v1';
  const older = ['claude-3-5-haiku-latest', 'claude-sonnet-4-20250514', 'claude-opus-4-0'];
  for (const model of older) assert.not(ofModel(own, model), model);
  for (const model of ['claude-haiku-4-5', 'claude-opus-4-1', 'claude-sonnet-4-6', 'claude-opus-5'])
    assert.ok(ofModel(own, model), model);
  assert.ok(ofModel(OTHER, older[0]!), 'another server is asked');
  assert.not(ofModel(own, 'claude-opus-5', { drop: ['output_config'] }));
});

test('what the operator says counts, for all models and for one', () => {
  const rules = {
    drop: ['reasoning_effort'],
    add: { top_k: 5, temperature: 1 },
    models: { fast: { rename: { max_tokens: 'limit' } } },
  };
  assert.equal(applied(OPENAI, 'slow', rules), { top_k: 5, temperature: 0, max_tokens: 20 });
  assert.equal(applied(OTHER, 'fast', rules), { top_k: 5, temperature: 0, limit: 20 });
  assert.equal(applied(OTHER, '__proto__', rules), { top_k: 5, temperature: 0, max_tokens: 20 });
});

test('a new name that is refused as well leaves the parameter out; an old refusal teaches nothing', () => {
  const renamed = withRefusal({ drop: [], rename: {} }, { parameter: 'a', instead: 'b' });
  assert.equal(renamed, { drop: [], rename: { a: 'b' } });
  assert.is(withRefusal(renamed, { parameter: 'a', instead: 'b' }), renamed);
  const dropped = withRefusal(renamed, { parameter: 'b', instead: 'a' });
  assert.equal(dropped, { drop: ['a'], rename: {} });
  assert.is(withRefusal(dropped, { parameter: 'a' }), dropped);
});

interface StrictServer {
  readonly url: string;
  /** The bodies that came, in order. */
  readonly bodies: Record<string, unknown>[];
  close(): void;
}

/** A server whose model takes no temperature and wants `max_completion_tokens`; it refuses in OpenAI's words. */
async function strictServer(): Promise<StrictServer> {
  const bodies: Record<string, unknown>[] = [];
  const refusal = (parameter: string, code: string, message: string) => ({
    error: { message, type: 'invalid_request_error', param: parameter, code },
  });
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const body = JSON.parse(text);
      bodies.push(body);
      const refused =
        'max_tokens' in body
          ? refusal(
              'max_tokens',
              'unsupported_parameter',
              "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            )
          : 'temperature' in body
            ? refusal(
                'temperature',
                'unsupported_value',
                "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
              )
            : 'odd' in body
              ? refusal('messages', 'unsupported_value', 'these messages are not taken')
              : undefined;
      const answer = {
        choices: [{ message: { content: '{"answer":true}' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 10, completion_tokens: 3 },
      };
      response.writeHead(refused === undefined ? 200 : 400, { 'content-type': 'application/json' });
      response.end(JSON.stringify(refused ?? answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, bodies, close: () => server.close() };
}

async function withServer(
  use: (engine: Engine, server: StrictServer) => Promise<void>,
  provider: object = {},
  options: EngineOptions = {},
): Promise<void> {
  const server = await strictServer();
  const engine = await Engine.open({
    threads: 1,
    providers: { strict: { baseUrl: server.url, ...provider } },
    model: 'strict/m',
    ...options,
  });
  try {
    await use(engine, server);
  } finally {
    await engine.close();
    server.close();
  }
}

const QUERY = "SELECT d FROM (VALUES ('a'), ('b'), ('c')) v(d) WHERE d MEANS 'x' ORDER BY d";

test('a refusal teaches once a model: the calls after it are made as the model wants them', () =>
  withServer(
    async (engine, { bodies }) => {
      const { rows, summary, notices } = await engine.query(`-- @ parallel: 1\n${QUERY}`);
      assert.is(rows.length, 3);
      assert.equal(summary.refusedParameters, [
        { model: 'strict/m', parameter: 'max_tokens', instead: 'max_completion_tokens' },
        { model: 'strict/m', parameter: 'temperature' },
      ]);
      const [first, second] = notices.filter(({ code }) => code === 'parameter_refused');
      assert.match(first!.message, 'strict/m refuses the parameter max_tokens');
      assert.match(first!.message, 'rename: { max_tokens: max_completion_tokens }');
      assert.match(second!.message, 'drop: [temperature]');
      // Two refusals, then three answers.
      assert.equal([summary.calls.sent, summary.rows.failed], [5, 0]);
      assert.ok(
        bodies.slice(2).every((body) => !('temperature' in body) && !('max_tokens' in body)),
      );
      assert.ok('max_completion_tokens' in bodies.at(-1)!);
      const other = await engine.query(
        `-- @ reasoning_effort: low\n-- @ temperature: 0.3\n${QUERY}`,
      );
      assert.is(other.summary.calls.sent, 3, 'learned');
      assert.is(bodies.at(-1)!['reasoning_effort'], 'low');
    },
    { parameters: { add: { max_tokens: 50 } } },
  ));

test('the lesson is kept for later processes, for the server that gave it', async () => {
  const stateDir = makeFolder({});
  const server = await strictServer();
  const elsewhere = await strictServer();
  const callsTo = async ({ url }: StrictServer): Promise<number> => {
    await using engine = await Engine.open({
      stateDir,
      threads: 1,
      providers: { strict: { baseUrl: url } },
      model: 'strict/m',
    });
    const { summary } = await engine.query(`-- @ cache: false\n-- @ parallel: 1\n${QUERY}`);
    assert.is(summary.rows.failed, 0);
    return summary.calls.sent;
  };
  try {
    assert.equal([await callsTo(server), await callsTo(server)], [4, 3]);
    assert.equal([await callsTo(elsewhere), await callsTo(server)], [4, 3]);
  } finally {
    server.close();
    elsewhere.close();
    removeFolder(stateDir);
  }
});

test('many calls at once are each asked again, and no row is lost', () =>
  withServer(async (engine) => {
    const { rows, summary } = await engine.query(
      "-- @ parallel: 20\nSELECT i FROM (SELECT i, 'text ' || i AS d FROM range(40) r(i)) WHERE d MEANS 'x'",
    );
    assert.is(rows.length, 40);
    assert.is(summary.rows.failed, 0);
    // Only those that were out when the first refusal came are refused as well.
    assert.ok(summary.calls.sent <= 40 + 20, `${summary.calls.sent} calls`);
    assert.is(summary.refusedParameters?.length, 1);
  }));

test('what is told ahead costs no refusal', () =>
  withServer(
    async (engine) => {
      const { summary } = await engine.query(QUERY);
      assert.is(summary.calls.sent, 3);
    },
    { parameters: { drop: ['temperature'], rename: { max_tokens: 'max_completion_tokens' } } },
  ));

test('a refusal of what was not sent is a failure', () =>
  withServer(
    async (engine, { bodies }) => {
      const { rows, summary } = await engine.query(
        `SELECT d MEANS 'x' AS m FROM (VALUES ('a')) v(d)`,
      );
      assert.equal(rows, [{ m: null }]);
      assert.is(summary.rows.failed, 1);
      assert.is(bodies.length, 1);
    },
    {
      parameters: {
        drop: ['temperature'],
        rename: { max_tokens: 'max_completion_tokens' },
        add: { odd: true },
      },
    },
  ));

test.run();
