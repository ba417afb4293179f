/** Chooses the process's exit code. Each thing that went wrong is a verdict; the first one in a fixed order decides. */
import { RvbbitError } from '../errors.ts';
import type { Summary } from '../result.ts';

/** The exit code of each verdict, in the order in which the exit code is chosen. */
const EXIT_CODES = {
  interrupted: 130,
  usage: 2,
  open: 3,
  budget: 6,
  deadline: 4,
  failed: 1,
  rows: 5,
} as const;

/** A verdict: one thing that went wrong. `rows` means that a statement ended, but some of its rows failed. */
export type ExitCause = keyof typeof EXIT_CODES;

/** An error of the command line itself: a wrong call, or a file that cannot be opened. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly verdict: ExitCause;
  /** Advice on what to type instead. */
  readonly hint: string | undefined;

  constructor(verdict: 'usage' | 'open', message: string, hint?: string) {
    super(message);
    this.verdict = verdict;
    this.hint = hint;
  }
}

/** Throws a usage error if a word is left over. */
export function refuseWord(word: string | undefined, usage: string): void {
  if (word !== undefined) throw new CliError('usage', `'${word}' is left over`, usage);
}

/** Returns the usage error of a command whose first word is missing or is none of its actions. */
export function noAction(command: string, action: string | undefined, usage: string): CliError {
  const isMissing = action === undefined;
  const problem = isMissing ? `${command} needs a word` : `there is no ${command} ${action}`;
  return new CliError('usage', problem, usage);
}

/** Returns the exit code of a process with these verdicts; 0 without any. */
export function exitCodeOf(verdicts: Iterable<ExitCause>): number {
  const met = new Set(verdicts);
  for (const [verdict, code] of Object.entries(EXIT_CODES)) {
    if (met.has(verdict as ExitCause)) return code;
  }
  return 0;
}

/** Returns the verdict on a thrown error. */
export function verdictOf(thrown: unknown): ExitCause {
  if (thrown instanceof CliError) return thrown.verdict;
  if (!(thrown instanceof RvbbitError)) return 'failed';
  if (thrown.code === 'RVB_CANCELLED') return 'interrupted';
  if (thrown.code === 'RVB_BUDGET') return 'budget';
  if (thrown.code === 'RVB_DEADLINE') return 'deadline';
  // RVB_NO_MODEL fails only the statement that asks a model. Other statements of the script may need none.
  if (thrown.stage !== 'open' || thrown.code === 'RVB_NO_MODEL') return 'failed';
  return thrown.code === 'RVB_OPTION_TYPE' || thrown.code === 'RVB_UNKNOWN_OPTION'
    ? 'usage'
    : 'open';
}

/** Returns the verdicts on a statement that ended without an error: rows may have failed, or the budget was reached. */
export function verdictsOn(summary: Summary): ExitCause[] {
  const verdicts: ExitCause[] = summary.rows.failed > 0 ? ['rows'] : [];
  if (summary.reason === 'budget') verdicts.push('budget');
  return verdicts;
}
