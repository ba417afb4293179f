/** Decides whether a statement may write its result in place of the existing data. */
import { type Failure, RvbbitError } from '../errors.ts';
import type { Ledger } from '../journal/ledger.ts';
import type { MapTarget } from '../plan/plan.ts';
import type { Summary } from '../result.ts';
import type { Statement } from './statement.ts';

/**
 * Call it when all runs have settled, right before the write. `targets`: the names of the tables and files that are
 * written. Resolves once the paid answers are on disk. Returns false if the statement ended early and is to be run
 * again. Throws, whatever `on_error` says, if the account shows that the result would replace something by nothing.
 */
export async function mayWrite(
  { desk, stop, ledger }: Pick<Statement, 'desk' | 'stop' | 'ledger'>,
  targets: readonly string[],
): Promise<boolean> {
  // A failure of the journal must show before the write: if the statement is run again, it would otherwise write
  // twice.
  await desk.journal.commit();
  if (stop.drained !== undefined) return false;
  if (targets.length === 0) return true;
  refuseNothing(targets, ledger);
  return true;
}

/**
 * Throws if no run succeeded and at least one failed, or if a provider takes no further calls. `before`: the summary
 * of earlier runs, which do not count.
 */
export function refuseNothing(
  targets: readonly string[],
  ledger: Pick<Ledger, 'providerEnd' | 'figures'>,
  before?: Summary,
): void {
  if (ledger.providerEnd !== undefined) throw notWritten(targets, ledger.providerEnd);
  const { figures } = ledger;
  const since = (of: (summary: Summary) => number) =>
    of(figures) - (before === undefined ? 0 : of(before));
  const failed = since(({ rows }) => rows.failed);
  if (failed === 0 || since(({ rows }) => rows.ok + rows.null) > 0) return;
  const runs = since((summary) => summary.runs);
  const first = figures.failures[before?.failures.length ?? 0];
  const what = runs === 1 ? 'its run failed' : `none of ${runs} runs succeeded`;
  throw notWritten(targets, {
    code: first?.code ?? 'RVB_INTERNAL',
    message: first === undefined ? what : `${what}; row ${first.ordinal + 1}: ${first.message}`,
  });
}

/** Returns what a MAP or RUN writes: the names of its table and of the file to which the caller writes its rows. */
export function targetsOf(
  target: MapTarget,
  { output }: Pick<Statement, 'output'>,
): readonly string[] {
  if (target.kind === 'stage') return [];
  // For a Parquet file, the command line fills a table of its own first; only the file is named.
  if (target.kind !== 'rows') return [output ?? target.table];
  return [target.asTable, output].filter((name) => name !== undefined);
}

/** Names of tables and files, for a message. */
export function namesOf(targets: readonly string[]): string {
  return targets.join(' and ');
}

function notWritten(targets: readonly string[], { code, message }: Failure): RvbbitError {
  return new RvbbitError(code, `nothing was written to ${namesOf(targets)}: ${message}`, {
    stage: 'deliver',
  });
}
