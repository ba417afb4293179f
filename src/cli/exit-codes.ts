/** The process's exit code: one verdict a thing that went wrong, the first of a fixed order wins. */
import { RvbbitError } from '../errors.ts';
import type { Summary } from '../result.ts';

/** What went wrong, in the order in which the exit code is chosen. */
const EXIT_CODES = {
  interrupted: 130,
  usage: 2,
  open: 3,
  budget: 6,
  deadline: 4,
  failed: 1,
  rows: 5,
} as const;

/** One thing that went wrong. `rows`: a statement ended, but some of its rows failed. */
export type ExitCause = keyof typeof EXIT_CODES;

/** An error of the command line itself: how it was called, or a file that it cannot open. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly verdict: ExitCause;
  /** What to type instead. */
  readonly hint: string | undefined;

  constructor(verdict: 'usage' | 'open', message: string, hint?: string) {
    super(message);
    this.verdict = verdict;
    this.hint = hint;
  }
}

/** The exit code of a process in which these things went wrong; 0 for none. */
export function exitCodeOf(verdicts: Iterable<ExitCause>): number {
  const met = new Set(verdicts);
  for (const [verdict, code] of Object.entries(EXIT_CODES)) {
    if (met.has(verdict as ExitCause)) return code;
  }
  return 0;
}

/** The verdict on a thrown error. */
export function verdictOf(thrown: unknown): ExitCause {
  if (thrown instanceof CliError) return thrown.verdict;
  if (!(thrown instanceof RvbbitError)) return 'failed';
  if (thrown.code === 'RVB_CANCELLED') return 'interrupted';
  if (thrown.code === 'RVB_BUDGET') return 'budget';
  if (thrown.code === 'RVB_DEADLINE') return 'deadline';
  // The statement that asks first is the one that fails; a script without a model may have others.
  if (thrown.stage !== 'open' || thrown.code === 'RVB_NO_MODEL') return 'failed';
  return thrown.code === 'RVB_OPTION_TYPE' || thrown.code === 'RVB_UNKNOWN_OPTION'
    ? 'usage'
    : 'open';
}

/** The verdicts on a statement that ended without an error: it may still have left rows behind. */
export function verdictsOn(summary: Summary): ExitCause[] {
  const verdicts: ExitCause[] = summary.rows.failed > 0 ? ['rows'] : [];
  if (summary.reason === 'budget') verdicts.push('budget');
  return verdicts;
}
