/** `rvbbit log`: prints the latest model calls of the journal, and follows new calls. */

import { setTimeout as sleep } from 'node:timers/promises';
import { realFileSystem } from '../../journal/disk/file-system.ts';
import { JournalTail } from '../../journal/disk/follow-journal.ts';
import type { StoredRecord } from '../../journal/disk/stored-record.ts';
import type { JournalRecord } from '../../journal/records.ts';
import { dollars } from '../../util/dollars.ts';
import { existingJournal } from '../existing-journal.ts';
import { refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { reportDamage } from '../report-damage.ts';
import { counted } from '../text/counted.ts';
import { visible } from '../text/escape.ts';

/** The number of earlier lines that are shown without `--limit`. */
const SHOWN = 20;
/** The interval at which new records are read. */
const POLL_MS = 200;

/** Prints one line per call; with `--follow`, until Ctrl-C. Returns the exit code. */
export async function log(words: readonly string[], options: CliOptions): Promise<number> {
  refuseWord(words[0], 'rvbbit log [-f]');
  const { folder } = existingJournal(options);
  const tail = new JournalTail(realFileSystem, folder, reportDamage);
  const lines = new LogLines(options.verbose === true);
  const read = (): readonly string[] => {
    const found: { readonly at: number; readonly text: string }[] = [];
    tail.read(({ record }) => {
      const text = lines.lineOf(record);
      if (text !== undefined) found.push({ at: record.at, text });
    });
    return found.sort((a, b) => a.at - b.at).map(({ text }) => text);
  };
  const print = (some: readonly string[]) => {
    if (some.length > 0) process.stdout.write(`${some.join('\n')}\n`);
  };
  const printLatest = () => print(read().slice(-(options.limit ?? SHOWN)));
  if (options.follow !== true) {
    printLatest();
    return 0;
  }
  // Before the first line: who sees a line may press Ctrl-C.
  const interrupt = new AbortController();
  const { signal } = interrupt;
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupt.abort());
  printLatest();
  while (!signal.aborted) {
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    print(read());
  }
  return 0;
}

type Start = JournalRecord & { readonly t: 'attempt.start' };

/** Makes lines of records: of a call when it ends; with `isVerbose` also when it begins, and of other records. */
class LogLines {
  readonly #isVerbose: boolean;
  readonly #open = new Map<string, Start>();

  constructor(isVerbose: boolean) {
    this.#isVerbose = isVerbose;
  }

  lineOf(record: StoredRecord): string | undefined {
    switch (record.t) {
      case 'attempt.start':
        this.#open.set(record.attempt, record);
        return this.#told(record, `${callOf(record)} goes out on lane ${record.lane}`);
      case 'attempt.end': {
        const start = this.#open.get(record.attempt);
        this.#open.delete(record.attempt);
        if (start === undefined || record.outcome === 'not_sent') return undefined;
        const { tokensIn, tokensOut, costMicroUsd, durationMs, error } = record;
        const cost = costMicroUsd === null ? 'uncosted' : dollars(costMicroUsd);
        const end = error === undefined ? 'ok' : `${error.code}: ${error.message}`;
        const figures = `${Math.round(durationMs)} ms, ${tokensIn}+${tokensOut} tokens, ${cost}`;
        return line(record, `${callOf(start)} ${figures}, ${end}`);
      }
      case 'cache.hits':
        return this.#told(
          record,
          `${counted(record.count, 'stored answer')} of ${record.cell} used`,
        );
      case 'statement.open':
        return this.#told(record, `begins, ${record.parallel} at a time: ${record.sql}`);
      case 'statement.read':
        return this.#told(record, `${record.rows} rows read, ${record.runs} runs`);
      case 'rows': {
        const { first, count, failed } = record;
        return this.#told(record, `runs ${first} to ${first + count - 1} done, ${failed} failed`);
      }
      case 'worker.lost':
        return this.#told(record, `a worker died: ${record.reason}`);
      case 'statement.close': {
        const { status, reason, calls, durationMs } = record.summary;
        const why = reason === undefined ? '' : ` (${reason})`;
        return this.#told(record, `${status}${why} after ${durationMs} ms, ${calls.sent} calls`);
      }
      default:
        return undefined;
    }
  }

  #told(record: JournalRecord, text: string): string | undefined {
    return this.#isVerbose ? line(record, text) : undefined;
  }
}

function callOf({ provider, model, cascade = '', cell, n, attempt, shared }: Start): string {
  const number = attempt.slice(attempt.lastIndexOf('.') + 1);
  const again = n === 1 ? '' : `, attempt ${n}`;
  const many = shared === undefined ? '' : `, 1 of ${shared.of} in a call`;
  return `#${number} ${provider}/${model} ${cascade}: ${cell}${again}${many}`;
}

/** Returns exactly one line, also for a text with line breaks. */
function line({ at, session }: JournalRecord, text: string): string {
  const time = new Date(at / 1_000).toISOString().slice(11, 23);
  return `${time} ${session} ${visible(text)}`;
}
