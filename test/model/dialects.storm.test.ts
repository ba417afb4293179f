/** Eleven servers' dialects by the built-in operators: every case of every operator passes on each of them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { builtInRoot } from '../../src/operators/load-operators.ts';
import { readBuiltInFiles } from '../../src/operators/write-built-in.ts';
import { checkCascade } from '../../src/testing.ts';
import type { Json } from '../../src/util/json.ts';
import { answerOf, isAsked } from '../operators/built-in-cases.ts';
import { reportCases } from '../support/cases.ts';
import { DIALECTS, type Dialect, type Refusal } from './dialects.ts';

type Body = Readonly<Record<string, unknown>>;

/** What of a request the dialect does not take. */
function refusalOf({ takes, unknown, check }: Dialect, body: Body): Refusal | undefined {
  const { model: _model, messages: _messages, ...parameters } = body;
  const other = Object.keys(parameters).find((name) => !takes.includes(name));
  if (other !== undefined && unknown !== 'left') return unknown(other);
  return check?.(body);
}

/** The answer in the dialect's protocol. */
function answered(body: Body, answer: Json): object {
  const text = JSON.stringify({ answer });
  const isTool = Array.isArray(body['tools']);
  if (isTool || 'output_config' in body) {
    const content = isTool
      ? [{ type: 'tool_use', id: 't1', name: 'answer', input: { answer } }]
      : [{ type: 'text', text }];
    const usage = { input_tokens: 9, output_tokens: 4 };
    return {
      type: 'message',
      role: 'assistant',
      content,
      stop_reason: isTool ? 'tool_use' : 'end_turn',
      usage,
    };
  }
  const choice = { index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' };
  return { choices: [choice], usage: { prompt_tokens: 9, completion_tokens: 4 } };
}

interface StrictServer {
  readonly url: string;
  /** What the model says next. */
  answer: Json;
  readonly refused: string[];
  calls: number;
  close(): void;
}

async function strictServer(dialect: Dialect): Promise<StrictServer> {
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
      const isHere = request.url === dialect.path && body['model'] === dialect.model;
      const refusal = isHere ? refusalOf(dialect, body) : { status: 404, body: {} };
      server.calls += 1;
      if (refusal !== undefined) server.refused.push(JSON.stringify(refusal.body));
      response.writeHead(refusal?.status ?? 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(refusal?.body ?? answered(body, server.answer)));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const server: StrictServer = {
    url: `http://127.0.0.1:${port}/v1`,
    answer: null,
    refused: [],
    calls: 0,
    close: () => http.close(),
  };
  return server;
}

let cases = 0;

for (const dialect of DIALECTS) {
  test(`every operator is answered by ${dialect.name} (${dialect.source})`, async () => {
    const { provider, model, settings, lessons } = dialect;
    const server = await strictServer(dialect);
    let asked = 0;
    try {
      await using engine = await Engine.open({
        cascades: builtInRoot(),
        threads: 1,
        providers: { [provider]: { baseUrl: server.url, apiKey: 'a-key', ...settings } },
        model: `${provider}/${model}`,
      });
      for (const { operator, file } of await readBuiltInFiles()) {
        const results = checkCascade(engine, file);
        for (const testCase of operator.cascade.testCases) {
          if (isAsked(operator, testCase)) {
            server.answer = answerOf(testCase);
            asked += 1;
          }
          const { value } = await results.next();
          const { passed, outcome } = value!;
          const why = `${file}: ${testCase.name}: ${JSON.stringify(outcome)} ${server.refused.at(-1)}`;
          assert.ok(passed, why);
          cases += 1;
        }
      }
      assert.is(server.refused.length, lessons, server.refused.join('\n'));
      assert.is(server.calls, asked + lessons);
    } finally {
      server.close();
    }
  });
}
test.after(() => reportCases(cases, `cases of operators on ${DIALECTS.length} dialects`));

test.run();
