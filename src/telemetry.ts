/**
 * Makes OpenTelemetry spans of an engine's statements and model calls: `rvbbit/telemetry`. The only file that loads
 * `@opentelemetry/api`. The embedding program installs that package, and an SDK that exports the spans.
 */
import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Engine } from './engine.ts';
import type { AttemptEnd, AttemptStart, JournalRecord, StatementOpen } from './journal/records.ts';
import type { Summary } from './result.ts';

const TRACER = 'rvbbit';

export interface TraceOptions {
  /** True puts the statement's text into `db.query.text`. Default false: the text may hold data not to be exported. */
  readonly queryText?: boolean;
}

/**
 * Gives every statement of the engine a span, within the span that is active at the call. Gives every model call a span
 * within the span of its statement (GenAI conventions: `chat <model>`). Runs of a cascade get no spans: there may be
 * millions. Returns a function that stops this; the spans of work in flight then stay open.
 */
export function traceEngine(engine: Engine, options: TraceOptions = {}): () => void {
  const tracer = trace.getTracer(TRACER);
  const statements = new Map<string, Span>();
  const calls = new Map<string, Span>();
  const begin = ({ session, at }: JournalRecord, opened: StatementOpen) => {
    const known = statements.get(session);
    // A text that turns out to hold operators is opened a second time, with its real kind.
    if (known !== undefined) {
      known.setAttributes(attributesOf(session, opened, options));
      return;
    }
    const span = tracer.startSpan(`rvbbit ${opened.kind}`, {
      startTime: at / 1_000,
      attributes: attributesOf(session, opened, options),
    });
    statements.set(session, span);
  };
  const onRecord = (record: JournalRecord): void => {
    switch (record.t) {
      case 'statement.open':
        begin(record, record);
        return;
      case 'attempt.start': {
        const parent = statements.get(record.session);
        const within = parent === undefined ? undefined : trace.setSpan(context.active(), parent);
        calls.set(
          record.attempt,
          tracer.startSpan(
            `chat ${record.model}`,
            {
              kind: SpanKind.CLIENT,
              startTime: record.at / 1_000,
              attributes: callAttributes(record),
            },
            within,
          ),
        );
        return;
      }
      case 'attempt.end': {
        const span = calls.get(record.attempt);
        calls.delete(record.attempt);
        if (span !== undefined) endCall(span, record, record.at);
        return;
      }
      case 'statement.close': {
        const span = statements.get(record.session);
        statements.delete(record.session);
        if (span !== undefined) endStatement(span, record.summary, record.at);
        return;
      }
      default:
    }
  };
  engine.events.on('record', onRecord);
  return () => engine.events.off('record', onRecord);
}

function attributesOf(
  session: string,
  { kind, sql, origin, parallel, cascade, label }: StatementOpen,
  { queryText = false }: TraceOptions,
): Attributes {
  return {
    'db.system.name': 'rvbbit',
    'db.operation.name': kind,
    ...(queryText ? { 'db.query.text': sql } : {}),
    'rvbbit.session': session,
    'rvbbit.origin': origin,
    'rvbbit.parallel': parallel,
    ...(cascade === undefined ? {} : { 'rvbbit.cascade': cascade }),
    ...(label === undefined ? {} : { 'rvbbit.label': label }),
  };
}

function callAttributes({ provider, model, cell, n, cascade }: AttemptStart): Attributes {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model,
    'rvbbit.cell': cell,
    'rvbbit.attempt': n,
    ...(cascade === undefined ? {} : { 'rvbbit.cascade': cascade }),
  };
}

function endCall(span: Span, ended: AttemptEnd, at: number): void {
  const { outcome, status, tokensIn, tokensOut, costMicroUsd, error } = ended;
  const { tokensCached, tokensCacheWrite } = ended;
  span.setAttributes({
    'gen_ai.usage.input_tokens': tokensIn,
    'gen_ai.usage.output_tokens': tokensOut,
    ...(tokensCached === undefined ? {} : { 'gen_ai.usage.cache_read.input_tokens': tokensCached }),
    ...(tokensCacheWrite === undefined
      ? {}
      : { 'gen_ai.usage.cache_creation.input_tokens': tokensCacheWrite }),
    'rvbbit.outcome': outcome,
    ...(status === undefined ? {} : { 'http.response.status_code': status }),
    ...(costMicroUsd === null ? {} : { 'rvbbit.cost_micro_usd': costMicroUsd }),
  });
  if (error !== undefined) failed(span, error.code, error.message);
  span.end(at / 1_000);
}

function endStatement(span: Span, summary: Summary, at: number): void {
  const { rows, calls, costMicroUsd, status, reason } = summary;
  span.setAttributes({
    'rvbbit.rows.in': rows.in,
    'rvbbit.rows.failed': rows.failed,
    'rvbbit.calls.sent': calls.sent,
    'rvbbit.calls.cache_hits': calls.cacheHits,
    ...(costMicroUsd === null ? {} : { 'rvbbit.cost_micro_usd': costMicroUsd }),
  });
  if (status === 'incomplete')
    failed(span, reason ?? status, `the statement ended early: ${reason}`);
  span.end(at / 1_000);
}

function failed(span: Span, code: string, message: string): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
