/** The one decision before a statement writes: whether its result may take the place of what stands there. */
import { type Failure, RvbbitError } from '../errors.ts';
import type { Ledger } from '../journal/ledger.ts';
import type { MapTarget } from '../plan/plan.ts';
import type { Summary } from '../result.ts';
import type { Statement } from './statement.ts';

/**
 * Call it when all runs have settled, right before the write. `targets` are the tables and files that are written, by
 * name. Resolves once what was bought is on disk: false where the statement ended early and is to be run again. Throws
 * where the account says that the result would replace something by nothing, whatever `on_error` says.
 */
export async function mayWrite(
  { desk, stop, ledger }: Pick<Statement, 'desk' | 'stop' | 'ledger'>,
  targets: readonly string[],
): Promise<boolean> {
  // A failure of the journal is to come before the change: whoever runs the statement anew would change twice.
  await desk.journal.commit();
  if (stop.drained !== undefined) return false;
  if (targets.length === 0) return true;
  refuseNothing(targets, ledger);
  return true;
}

/** Throws where no run succeeded and one failed, or a provider was ended. `before`: runs that do not count. */
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

/** What a MAP or RUN writes: the names of its table and of the file that the caller writes its rows to. */
export function targetsOf(
  target: MapTarget,
  { output }: Pick<Statement, 'output'>,
): readonly string[] {
  if (target.kind === 'stage') return [];
  // The command line makes a table of its own on the way to a Parquet file.
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
