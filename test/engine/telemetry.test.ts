/** Spans of statements and calls, as an OpenTelemetry SDK would be given them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { fileURLToPath } from 'node:url';
import {
  type Attributes,
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { traceEngine } from '../../src/telemetry.ts';
import { modelServer } from '../support/model-server.ts';

const cascades = fileURLToPath(new URL('../../../bench/cascades', import.meta.url));

interface Kept {
  readonly name: string;
  readonly parent: string | undefined;
  readonly attributes: Attributes;
  error?: string;
  startMs: number;
  endMs?: number;
}

/** Keeps spans, as an SDK's exporter would. */
function recorder(): Kept[] {
  const spans: Kept[] = [];
  const names = new WeakMap<object, string>();
  trace.disable();
  context.disable();
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (within, act, thisArg, ...args) => storage.run(within, () => act.call(thisArg!, ...args)),
    bind: (_within, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
  const startSpan = (name: string, options: SpanOptions = {}, within = context.active()): Span => {
    const parent = trace.getSpan(within);
    const kept: Kept = {
      name,
      parent: parent === undefined ? undefined : names.get(parent),
      attributes: { ...options.attributes },
      startMs: Number(options.startTime ?? Date.now()),
    };
    spans.push(kept);
    const span = {
      setAttribute: (key: string, value: string) => {
        kept.attributes[key] = value;
      },
      setAttributes: (more: Attributes) => void Object.assign(kept.attributes, more),
      setStatus: ({ code, message }: { code: number; message?: string }) => {
        if (code === SpanStatusCode.ERROR) kept.error = message ?? '';
      },
      end: (at?: number) => {
        kept.endMs = at ?? Date.now();
      },
    } as unknown as Span;
    names.set(span, name);
    return span;
  };
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan,
      startActiveSpan: () => assert.unreachable(),
    }),
  });
  return spans;
}

test('a statement has a span within the caller’s, and its calls have theirs within it', async () => {
  const spans = recorder();
  await using sim = await modelServer();
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: sim.url } },
    model: 'sim/m',
  });
  const stop = traceEngine(engine);
  const outer = trace.getTracer('test').startSpan('request');
  const sql = `RVBBIT MAP PARALLEL 2 'ask.yaml' AS a USING (SELECT 'row ' || range AS question FROM range(3))`;
  const { summary } = await context.with(trace.setSpan(context.active(), outer), () =>
    engine.query(sql),
  );
  const [, statement, ...calls] = spans;
  assert.ok(statement);
  assert.is(statement.name, 'rvbbit map');
  assert.is(statement.parent, 'request');
  assert.is(statement.attributes['rvbbit.session'], summary.sessionId);
  assert.is(statement.attributes['rvbbit.calls.sent'], 3);
  assert.is(statement.attributes['db.query.text'], undefined);
  assert.is(statement.error, undefined);
  assert.is(calls.length, 3);
  for (const call of calls) {
    assert.is(call.name, 'chat m');
    assert.is(call.parent, 'rvbbit map');
    assert.is(call.attributes['gen_ai.provider.name'], 'sim');
    assert.ok(Number(call.attributes['gen_ai.usage.output_tokens']) > 0);
    assert.ok(call.startMs >= statement.startMs && call.endMs! <= statement.endMs!);
  }
  assert.is(
    calls.reduce((sum, call) => sum + Number(call.attributes['gen_ai.usage.input_tokens']), 0),
    summary.tokens.in,
  );
  stop();
  await engine.query(sql);
  assert.is(spans.length, 5, 'nothing once it has stopped');
});

test('a statement that fails has a span that says so, and semantic SQL has one', async () => {
  const spans = recorder();
  await using sim = await modelServer({ rules: [{ status: 401 }] });
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: sim.url } },
    model: 'sim/m',
  });
  traceEngine(engine, { queryText: true });
  await engine.query(`SELECT 'a' MEANS 'b' AS same`);
  const statements = () => spans.filter(({ name }) => name.startsWith('rvbbit'));
  assert.is(statements().length, 1);
  const sql = `RVBBIT MAP 'ask.yaml' AS a USING (SELECT 'row' AS question) WITH (on_error = 'fail')`;
  let code = '';
  await engine.query(sql).catch((thrown: { code: string }) => {
    code = thrown.code;
  });
  assert.match(code, /^RVB_/);
  const [, last, ...others] = statements();
  assert.equal(others, []);
  assert.is(last?.attributes['db.query.text'], sql);
  assert.type(last?.error, 'string');
  const call = spans.find(({ name }) => name === 'chat m');
  assert.is(call?.attributes['http.response.status_code'], 401);
  assert.ok(
    spans.every(({ endMs }) => endMs !== undefined),
    'every span has ended',
  );
});

test.run();
