/** Lists the statements of a journal folder that have not completed and so can be resumed. */

import { isCall } from '../account.ts';
import { isGoneSince } from '../process-facts.ts';
import type { JournalRecord } from '../records.ts';
import type { FileSystem } from './file-system.ts';
import { parseSegmentName } from './segment-name.ts';
import type { Damage } from './segment-reader.ts';
import type { StoredRecord } from './stored-record.ts';
import { readSegments } from './survey.ts';

/** A statement, with the figures of its latest execution. Each execution after the first is a resume. */
export interface ListedStatement {
  /** The session of its first execution. */
  readonly session: string;
  readonly sql: string;
  /** The start of its first execution, µs since the epoch. */
  readonly at: number;
  /**
   * Why its latest execution ended, e.g. `budget`. Without a `statement.close` record: `running` if its process lives,
   * otherwise `killed`.
   */
  readonly ending: string;
  /** The number of executions. */
  readonly runs: number;
  readonly parallel: number;
  readonly hasParameters: boolean;
  /** The number of rows read; undefined if it ended before it had read them. `settled` of these rows have settled. */
  readonly rows: number | undefined;
  readonly settled: number;
  readonly calls: number;
  /** The number of calls that had begun and not ended. */
  readonly inFlight: number;
  readonly pid: number | undefined;
}

type Open = JournalRecord & { readonly t: 'statement.open' };

interface ListedRecords {
  readonly open: Open;
  segment: string;
  rows: number | undefined;
  settled: number;
  calls: number;
  inFlight: number;
  ending: string | undefined;
}

/** Reads all segments and returns the statements with cascades that have not completed, the newest first. */
export function listStatements(
  files: FileSystem,
  folder: string,
  onDamage: (damage: Damage) => void,
): ListedStatement[] {
  const runs = new Map<string, ListedRecords>();
  readSegments(files, folder, ({ record }, segment) => observe(runs, record, segment), onDamage);
  const byFirst = new Map<string, ListedRecords[]>();
  for (const run of runs.values()) {
    const first = run.open.resumes ?? run.open.session;
    byFirst.set(first, [...(byFirst.get(first) ?? []), run]);
  }
  return [...byFirst]
    .filter(([, all]) => all.every(({ ending }) => ending !== 'complete'))
    .map(([session, all]) => listed(session, all))
    .sort((a, b) => b.at - a.at);
}

function observe(runs: Map<string, ListedRecords>, record: StoredRecord, segment: string): void {
  if (record.t === 'statement.open') {
    const isResumable = record.sql !== '' && record.kind !== 'explain';
    if (isResumable && record.cascade !== undefined) {
      const none = { rows: undefined, settled: 0, calls: 0, inFlight: 0, ending: undefined };
      runs.set(record.session, { open: record, segment, ...none });
    }
    return;
  }
  const run = runs.get(record.session);
  if (run === undefined) return;
  run.segment = segment;
  switch (record.t) {
    case 'statement.read':
      run.rows = record.rows;
      return;
    case 'rows':
      run.settled += record.ok + record.null + record.failed + record.skipped;
      return;
    case 'attempt.start':
      if (isCall(record)) run.calls += 1;
      run.inFlight += 1;
      return;
    case 'attempt.end':
      run.inFlight -= 1;
      if (record.outcome === 'not_sent') run.calls -= 1;
      return;
    case 'statement.close': {
      const { status, reason } = record.summary;
      run.ending = status === 'complete' ? 'complete' : (reason ?? 'failed');
      return;
    }
    default:
  }
}

function listed(session: string, runs: readonly ListedRecords[]): ListedStatement {
  const inOrder = [...runs].sort((a, b) => a.open.at - b.open.at);
  const last = inOrder.at(-1)!;
  const { sql, parallel, hasParameters } = last.open;
  const { segment, rows, settled, calls, inFlight, ending } = last;
  const writer = parseSegmentName(segment);
  const isGone = writer === undefined || isGoneSince(writer.pid, writer.createdMs);
  return {
    ...{ session, sql, parallel, rows, settled, calls, inFlight },
    at: inOrder[0]!.open.at,
    hasParameters: hasParameters === true,
    ending: ending ?? (isGone ? 'killed' : 'running'),
    runs: runs.length,
    pid: writer?.pid,
  };
}
