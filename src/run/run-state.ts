/** What one run of a cascade carries from cell to cell, and what it asks of its surroundings. */
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { TemplateContext } from '../cascade/template.ts';
import type { ErrorCode } from '../error-codes.ts';
import { cancelledError, failureOf, RvbbitError } from '../errors.ts';
import { RUN_MAX_CELL_STEPS, TIMER_MAX_MS } from '../limits.ts';
import type { AttemptReport, ChatOutcome, ChatRequest, ModelTarget } from '../model/chat.ts';
import type { ChatLimits } from '../model/provider.ts';
import type { Json, JsonObject } from '../util/json.ts';
import type {
  Advisory,
  CallDecision,
  CallRequest,
  RunSettings,
  SqlCellOutcome,
  SqlCellQuery,
} from './contract.ts';

/** What a run needs of the worker around it. */
export interface RunContext {
  readonly settings: RunSettings;
  /** Aborts when the statement is cancelled. */
  readonly signal: AbortSignal;
  runSql(query: SqlCellQuery): Promise<SqlCellOutcome>;
  /** Where a cell's calls go; `model` is what the cell, else its cascade, names. Undefined: there is no model. */
  modelTarget(cell: { readonly name: string; readonly model?: string }): ModelTarget | undefined;
  /** One call of a model. Never rejects. */
  chat(target: ModelTarget, request: ChatRequest, limits: ChatLimits): Promise<ChatOutcome>;
  /** Asks the main thread for leave to make a call, or for an answer at hand. Waits; never rejects. */
  requestCall(request: CallRequest): Promise<CallDecision>;
  /** Gives the account of a call that had leave to go out. */
  endCall(attempt: string, report: AttemptReport): void;
  /** An answer that was found ahead took the place of this call. */
  answerUsed?(callKey: string): void;
  /** Called before and after the synchronous part of a js cell: another thread ends an endless loop. */
  enterJs?(timeoutMs: number): void;
  leaveJs?(): void;
  /** A clock that does not go back, in milliseconds. */
  nowMs(): number;
}

/** One run under way. Nested cascades have a run of their own and share `bounds`. */
export interface Run {
  readonly context: RunContext;
  readonly input: JsonObject;
  readonly outputs: Record<string, Json>;
  readonly state: Record<string, Json>;
  readonly bounds: RunBounds;
  /** Which of several answers to the same prompt is asked for; absent: the only one. */
  variant?: Variant;
  /** What wards refused of the cell that is done again, the first refusal first. */
  readonly refusals?: readonly Refusal[];
  /** Names that the templates of a ward or an evaluator have besides. */
  readonly given?: Pick<TemplateContext, 'output' | 'takes'>;
  /** What advisory wards had to say; absent until there is a ward. */
  advisories?: Advisory[];
}

/** An output that a ward refused, and why. */
export interface Refusal {
  readonly output: Json;
  readonly reason: string;
}

/** Tells calls with equal prompts apart: the answer to one must not serve another. */
export interface Variant {
  /** Index of a cell's take, from 0. */
  readonly take: number;
  /** How many times the cell was done again because a ward refused what it gave. */
  readonly redo: number;
}

/** The bounds of a run and of the cascades nested in it. */
export interface RunBounds {
  /** On `context.nowMs`'s clock; `waitedMs` comes on top. */
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  /** Time spent waiting for leave to call a model: the limiter's, not the run's. */
  waitedMs: number;
  steps: number;
  /** Attempts at the last model call of the cell that runs; at what failed it, where it fails. */
  attempts: number;
}

/** Counts a step of a run: a cell, a take, a redo, a ward. Throws where the run is over or has had too many. */
export function beginStep(run: Run, label: string): void {
  if (run.context.signal.aborted) throw cancelledError();
  if (run.bounds.steps > 0 && isRunOver(run)) throw timeoutError(timeLimit(run, label, undefined));
  if (++run.bounds.steps > RUN_MAX_CELL_STEPS) throw tooManySteps(label);
}

/** True when the run's time is over. */
function isRunOver(run: Run): boolean {
  return run.context.nowMs() >= run.bounds.deadlineMs + run.bounds.waitedMs;
}

/** Failures after which a further take, redo or ward would fail as well. */
const FINAL_CODES: ReadonlySet<ErrorCode> = new Set([
  'RVB_CANCELLED',
  'RVB_DEADLINE',
  'RVB_BUDGET',
  'RVB_UNCOSTED',
  'RVB_NO_MODEL',
  'RVB_CLOSED',
]);

/** True where a failure is the whole run's, not only that of the take or ward that met it. */
export function endsRun(run: Run, error: unknown): boolean {
  if (FINAL_CODES.has(failureOf(error).code) || run.context.signal.aborted) return true;
  return isRunOver(run) || run.bounds.steps > RUN_MAX_CELL_STEPS;
}

function tooManySteps(label: string): RvbbitError {
  const message = `${label} would be step ${RUN_MAX_CELL_STEPS + 1} of one run; does its routing go in a circle, or are there too many takes and wards?`;
  return new RvbbitError('RVB_LIMIT', message, { stage: 'execute' });
}

/** The time that a cell may take: its own limit or what is left of the run's, whichever is less. */
export interface TimeLimit {
  readonly ms: number;
  /** What to say when it is over. */
  readonly message: string;
}

/** The limit for a cell that begins now. */
export function timeLimit(run: Run, label: string, cellTimeoutMs: number | undefined): TimeLimit {
  const left = run.bounds.deadlineMs + run.bounds.waitedMs - run.context.nowMs();
  if (cellTimeoutMs !== undefined && cellTimeoutMs <= left) {
    return { ms: cellTimeoutMs, message: `${label} took longer than its ${cellTimeoutMs} ms` };
  }
  const message = `${label} was running when the run's ${run.bounds.timeoutMs} ms were over`;
  return { ms: left, message };
}

/** The error of a limit that is over. */
function timeoutError(limit: TimeLimit): RvbbitError {
  return new RvbbitError('RVB_TIMEOUT', limit.message, { stage: 'execute', retryable: true });
}

/**
 * Waits for a promise, at most for the limit's time and until the statement is cancelled. `onEnd` is
 * called when the wait ends early; the promise is left to itself then, its rejection handled.
 */
export function settleWithin<T>(
  promise: PromiseLike<T>,
  limit: TimeLimit,
  signal: AbortSignal,
  onEnd?: (reason: RvbbitError) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (reason: RvbbitError): void => {
      clear();
      reject(reason);
      onEnd?.(reason);
    };
    // A timer may fire a part of a millisecond early; the run's deadline must have passed by then.
    const timer = setTimeout(
      () => end(timeoutError(limit)),
      Math.min(TIMER_MAX_MS, Math.max(0, Math.ceil(limit.ms)) + 1),
    );
    const onAbort = (): void => end(cancelledError());
    const clear = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort);
    promise.then(
      (value) => {
        clear();
        resolve(value);
      },
      (error: unknown) => {
        clear();
        reject(error);
      },
    );
    if (signal.aborted) onAbort();
  });
}

/** Waits; throws RVB_CANCELLED as soon as the statement is cancelled. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeoutPromise(ms, undefined, { signal });
  } catch {
    throw cancelledError();
  }
}
