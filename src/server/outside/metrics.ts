/**
 * Counts what an engine does, in the text format of Prometheus. The figures come from the engine's own records, so they
 * are those of the receipts. Kept here rather than in a package: three kinds of figures are all that is needed.
 */
import type { Engine } from '../../engine.ts';
import { isCall } from '../../journal/account.ts';
import type { JournalRecord } from '../../journal/records.ts';

/** Upper bounds of the classes of durations, in seconds: from a look-up to an hour of model calls. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];
/** The most label values of one figure. Models are named by configuration, but fallbacks may add to them. */
const MAX_SERIES = 500;
/** The most statements whose kind is remembered until they end. */
const MAX_OPEN = 10_000;

type Labels = Readonly<Record<string, string>>;
type Kind = 'counter' | 'gauge' | 'histogram';

/** The figures of one server. Give `watch` an engine, and `text` to whoever asks. */
export class Metrics {
  readonly #counters = new Map<string, Counter>();
  readonly #durations = new Map<string, Histogram>();
  readonly #gauges: { readonly name: string; readonly help: string; read(): number }[] = [];
  /** The kind of each open statement, by session. */
  readonly #open = new Map<string, string>();
  readonly #calls = new Map<string, { readonly of: Labels; readonly isCall: boolean }>();

  constructor() {
    this.gauge('rvbbit_statements_in_flight', 'Statements that run now.', () => this.#open.size);
    this.gauge(
      'rvbbit_calls_in_flight',
      'Model calls that wait for an answer.',
      () => this.#calls.size,
    );
  }

  /** Counts an engine's statements, rows and calls from now on. Returns the function that ends this. */
  watch(engine: Engine): () => void {
    const onRecord = (record: JournalRecord) => this.#note(record);
    engine.events.on('record', onRecord);
    return () => engine.events.off('record', onRecord);
  }

  /** Adds to a counter. `help` is one sentence. */
  count(name: string, help: string, labels: Labels = {}, by = 1): void {
    const counter = this.#counters.get(name) ?? { help, values: new Map<string, number>() };
    this.#counters.set(name, counter);
    const key = labelText(labels);
    if (!counter.values.has(key) && counter.values.size >= MAX_SERIES) return;
    counter.values.set(key, (counter.values.get(key) ?? 0) + by);
  }

  /** Adds a figure that is read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.push({ name, help, read });
  }

  /** Counts an error that a client was told, by its code. */
  error(code: string): void {
    this.count('rvbbit_errors_total', 'Errors that ended a statement, by code.', { code });
  }

  /** Returns all figures as Prometheus reads them. */
  text(): string {
    const lines: string[] = [];
    for (const [name, { help, values }] of this.#counters) {
      lines.push(...head(name, help, 'counter'));
      for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`);
    }
    for (const { name, help, read } of this.#gauges) {
      lines.push(...head(name, help, 'gauge'), `${name} ${read()}`);
    }
    const durations = 'rvbbit_statement_seconds';
    if (this.#durations.size > 0)
      lines.push(...head(durations, 'Time of statements.', 'histogram'));
    for (const [kind, { counts, sum }] of this.#durations) {
      let below = 0;
      for (const [index, bound] of [...SECONDS, '+Inf'].entries()) {
        below += counts[index] ?? 0;
        lines.push(`${durations}_bucket${labelText({ kind, le: String(bound) })} ${below}`);
      }
      lines.push(`${durations}_sum${labelText({ kind })} ${sum}`);
      lines.push(`${durations}_count${labelText({ kind })} ${below}`);
    }
    return `${lines.join('\n')}\n`;
  }

  #note(record: JournalRecord): void {
    switch (record.t) {
      case 'statement.open':
        // A bound, for a program that leaves streams open for ever.
        if (this.#open.size < MAX_OPEN) this.#open.set(record.session, record.kind);
        return;
      case 'rows':
        for (const outcome of ['ok', 'null', 'failed', 'skipped'] as const) {
          if (record[outcome] === 0) continue;
          this.count(
            'rvbbit_rows_total',
            'Rows of cascades, by outcome.',
            { outcome },
            record[outcome],
          );
        }
        return;
      case 'attempt.start':
        this.#calls.set(record.attempt, {
          of: { provider: record.provider, model: record.model },
          isCall: isCall(record),
        });
        return;
      case 'attempt.end': {
        const { outcome, tokensIn, tokensOut, costMicroUsd } = record;
        const { of, ...call } = this.#calls.get(record.attempt) ?? { of: {}, isCall: true };
        this.#calls.delete(record.attempt);
        if (call.isCall) {
          this.count('rvbbit_calls_total', 'Model calls, by outcome.', { ...of, outcome });
        }
        const tokens = 'Tokens of model calls.';
        this.count('rvbbit_tokens_total', tokens, { ...of, direction: 'in' }, tokensIn);
        this.count('rvbbit_tokens_total', tokens, { ...of, direction: 'out' }, tokensOut);
        if (costMicroUsd === null) {
          this.count('rvbbit_uncosted_calls_total', 'Model calls without a known price.', of);
        } else {
          this.count('rvbbit_cost_dollars_total', 'Cost of model calls.', of, costMicroUsd / 1e6);
        }
        return;
      }
      case 'cache.hits': {
        const { provider, model, count } = record;
        this.count(
          'rvbbit_stored_answers_total',
          'Answers that were not bought again.',
          { provider, model },
          count,
        );
        return;
      }
      case 'statement.close': {
        const { session, summary, errorCode } = record;
        const kind = this.#open.get(session) ?? 'sql';
        this.#open.delete(session);
        const outcome =
          summary.status === 'complete' ? 'complete' : (summary.reason ?? 'incomplete');
        this.count('rvbbit_statements_total', 'Statements, by kind and outcome.', {
          kind,
          outcome,
        });
        if (errorCode !== undefined) this.error(errorCode);
        this.#observe(kind, summary.durationMs / 1_000);
        return;
      }
      default:
    }
  }

  #observe(kind: string, seconds: number): void {
    const known = this.#durations.get(kind) ?? { counts: [], sum: 0 };
    const at = SECONDS.findIndex((bound) => seconds <= bound);
    const index = at === -1 ? SECONDS.length : at;
    known.counts[index] = (known.counts[index] ?? 0) + 1;
    known.sum += seconds;
    this.#durations.set(kind, known);
  }
}

interface Counter {
  readonly help: string;
  /** By the text of the labels. */
  readonly values: Map<string, number>;
}

interface Histogram {
  /** Not cumulative, by the index of the class. */
  readonly counts: number[];
  sum: number;
}

function head(name: string, help: string, kind: Kind): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`];
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
