/** What the command line's unit tests share. */
import type { StartResult } from '../../src/cli/format/format.ts';
import type { FormatSettings } from '../../src/cli/format/writer.ts';
import type { Sink } from '../../src/cli/sink/sink.ts';
import type { ResultColumn, Row, Summary } from '../../src/result.ts';

/** A sink that keeps the text. */
export class TextSink implements Sink {
  results = 0;
  text = '';

  write(text: string): undefined {
    this.text += text;
  }

  async flush(): Promise<void> {}
  async rollback(): Promise<void> {}
  async keep(): Promise<void> {}
  async close(): Promise<void> {}
  async discard(): Promise<void> {}
}

/** The text of one result set in a format; `types` are by column, pairs where the order of an object would not do. */
export async function written(
  start: StartResult,
  types: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  rows: readonly Row[],
  settings: Partial<FormatSettings> = {},
  sink: TextSink = new TextSink(),
): Promise<string> {
  const columns: ResultColumn[] = (Array.isArray(types) ? types : Object.entries(types)).map(
    ([name, type]) => ({ name, type }),
  );
  const plain = { all: false, columns: undefined, dim: (text: string) => text };
  const writer = start(columns, sink, { ...plain, ...settings });
  for (const row of rows) await writer.row(row);
  await writer.end();
  return sink.text;
}

/** A summary in which nothing happened, but for what is given. */
export function summaryWith(
  some: Partial<Omit<Summary, 'rows'>> & { rows?: Partial<Summary['rows']> },
): Summary {
  const none = { in: 0, ok: 0, null: 0, failed: 0, skipped: 0, notRun: 0, deduped: 0 };
  return {
    sessionId: 'udf-clever-fox-000000',
    callerId: 'sql-clever-fox-000000',
    status: 'complete',
    runs: 0,
    calls: { sent: 0, retried: 0, cacheHits: 0, possiblyPaidTwice: 0 },
    tokens: { in: 0, out: 0 },
    costMicroUsd: 0,
    uncostedCalls: 0,
    durationMs: 1000,
    waitedMs: 0,
    strategy: 'none',
    failures: [],
    ...some,
    rows: { ...none, ...some.rows },
  };
}
