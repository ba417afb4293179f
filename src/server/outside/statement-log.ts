/**
 * One line of JSON for each statement that ends, without its text and without values. Written here rather than with
 * pino, which would add 11 packages for `JSON.stringify` and a write.
 */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Engine } from '../../engine.ts';
import { messageOf, RvbbitError } from '../../errors.ts';
import type { JournalRecord, StatementOpen } from '../../journal/records.ts';

/** The most statements whose beginning is remembered until they end. */
const MAX_OPEN = 10_000;
/** While more bytes than this wait for a slow disk, lines are dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Where the lines go: standard error, or a file to which they are appended. */
export class StatementLog {
  readonly #out: WriteStream | NodeJS.WriteStream;
  readonly #open = new Map<string, StatementOpen>();
  #dropped = 0;

  private constructor(out: WriteStream | NodeJS.WriteStream) {
    this.#out = out;
    out.on('error', () => {});
  }

  /** `-` is standard error. Throws RVB_OPTION_TYPE if the file cannot be opened. Only its owner may read a new file. */
  static async to(target: string): Promise<StatementLog> {
    if (target === '-') return new StatementLog(process.stderr);
    const file = createWriteStream(target, { flags: 'a', mode: 0o600 });
    try {
      await once(file, 'open');
    } catch (thrown) {
      throw new RvbbitError(
        'RVB_OPTION_TYPE',
        `cannot write the log ${target}: ${messageOf(thrown)}`,
        {
          stage: 'open',
          cause: thrown,
        },
      );
    }
    return new StatementLog(file);
  }

  /** Writes a line for each statement of an engine that ends from now on. Returns the function that ends this. */
  watch(engine: Engine): () => void {
    const onRecord = (record: JournalRecord) => {
      if (record.t === 'statement.open' && this.#open.size < MAX_OPEN) {
        this.#open.set(record.session, record);
      }
      if (record.t === 'statement.close') this.#line(record);
    };
    engine.events.on('record', onRecord);
    return () => engine.events.off('record', onRecord);
  }

  /** Writes what waits, and closes a file. */
  async close(): Promise<void> {
    if (this.#out === process.stderr) return;
    await new Promise<void>((resolve) => this.#out.end(() => resolve()));
  }

  #line(record: JournalRecord & { t: 'statement.close' }): void {
    const opened = this.#open.get(record.session);
    this.#open.delete(record.session);
    if (this.#out.writableLength > MAX_WAITING_BYTES) {
      this.#dropped += 1;
      return;
    }
    const { summary, errorCode, session, at } = record;
    const { rows, calls, tokens, costMicroUsd, durationMs, status, reason } = summary;
    const line = {
      time: new Date(at / 1_000).toISOString(),
      session,
      kind: opened?.kind ?? 'sql',
      origin: opened?.origin,
      label: opened?.label,
      cascade: opened?.cascade,
      outcome: status === 'complete' ? status : (reason ?? status),
      code: errorCode,
      rows: {
        in: rows.in,
        ok: rows.ok,
        null: rows.null,
        failed: rows.failed,
        skipped: rows.skipped,
      },
      calls: { sent: calls.sent, retried: calls.retried, stored: calls.cacheHits },
      tokens: { in: tokens.in, out: tokens.out },
      cost_micro_usd: costMicroUsd,
      duration_ms: durationMs,
      ...(this.#dropped === 0 ? {} : { lines_dropped_before: this.#dropped }),
    };
    this.#dropped = 0;
    this.#out.write(`${JSON.stringify(line)}\n`);
  }
}
