/** The state that one run of a cascade passes from cell to cell, and the functions of the worker that it uses. */
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

/** The functions that a run needs from its worker. */
export interface RunContext {
  readonly settings: RunSettings;
  /** Aborts when the statement is cancelled. */
  readonly signal: AbortSignal;
  runSql(query: SqlCellQuery): Promise<SqlCellOutcome>;
  /**
   * Returns the model for a cell's calls. `model` is the name in the cell, else in its cascade. Undefined: there is no
   * model.
   */
  modelTarget(cell: { readonly name: string; readonly model?: string }): ModelTarget | undefined;
  /** Makes one model call. Never rejects. */
  chat(target: ModelTarget, request: ChatRequest, limits: ChatLimits): Promise<ChatOutcome>;
  /** Asks the main thread for a permit to make a call, or for a stored answer. Never rejects. */
  requestCall(request: CallRequest): Promise<CallDecision>;
  /** Reports a call that had a permit. */
  endCall(attempt: string, report: AttemptReport): void;
  /** Notes that an answer that was found ahead of its row replaced this call. */
  answerUsed?(callKey: string): void;
  /** Called before and after the synchronous part of a js cell, so that another thread can end an endless loop. */
  enterJs?(timeoutMs: number): void;
  leaveJs?(): void;
  /** Returns the time in milliseconds, from a clock that never goes back. */
  nowMs(): number;
}

/** One run in progress. A nested cascade has its own run, with bounds that are derived from the outer run's. */
export interface Run {
  readonly context: RunContext;
  readonly input: JsonObject;
  readonly outputs: Record<string, Json>;
  readonly state: Record<string, Json>;
  readonly bounds: RunBounds;
  /** Says which of several answers to the same prompt is wanted. Absent: there is only one. */
  variant?: Variant;
  /** Refusals by wards that made the cell run again, the oldest first. */
  readonly refusals?: readonly Refusal[];
  /** Further names for the templates of a ward or an evaluator. */
  readonly given?: Pick<TemplateContext, 'output' | 'takes'>;
  /** Refusals by advisory wards. Absent until a ward runs. */
  advisories?: Advisory[];
}

/** An output that a ward refused, with the reason. */
export interface Refusal {
  readonly output: Json;
  readonly reason: string;
}

/** Distinguishes calls with equal prompts: the answer to one call must not be used for another. */
export interface Variant {
  /** The index of a cell's take, from 0. */
  readonly take: number;
  /** The number of times that the cell ran again because a ward refused its output. */
  readonly redo: number;
}

/** The time limit of a run or a nested run, and the counters that count against limits. */
export interface RunBounds {
  /** The deadline on the clock of `context.nowMs`. `waitedMs` is added to it. */
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  /** The time spent waiting for permits to call a model, or for a SQL cell's rows. It does not count as the run's time. */
  waitedMs: number;
  steps: number;
  /** Attempts at the running cell's last model call. If the cell fails: attempts at the part that failed. */
  attempts: number;
}

/** Counts a step of a run: a cell, a take, a redo, or a ward. Throws if the run's time is over or it has had too many steps. */
export function beginStep(run: Run, label: string): void {
  if (run.context.signal.aborted) throw cancelledError();
  if (run.bounds.steps > 0 && isRunOver(run)) throw timeoutError(timeLimit(run, label, undefined));
  if (++run.bounds.steps > RUN_MAX_CELL_STEPS) throw tooManySteps(label);
}

/** True when the run's time is over. */
function isRunOver(run: Run): boolean {
  return run.context.nowMs() >= run.bounds.deadlineMs + run.bounds.waitedMs;
}

/** Failures after which a further take, redo or ward would also fail. */
const FINAL_CODES: ReadonlySet<ErrorCode> = new Set([
  'RVB_CANCELLED',
  'RVB_DEADLINE',
  'RVB_BUDGET',
  'RVB_UNCOSTED',
  'RVB_NO_MODEL',
  'RVB_CLOSED',
]);

/** True if a failure ends the whole run, and not only the take or ward in which it happened. */
export function endsRun(run: Run, error: unknown): boolean {
  if (FINAL_CODES.has(failureOf(error).code) || run.context.signal.aborted) return true;
  return isRunOver(run) || run.bounds.steps > RUN_MAX_CELL_STEPS;
}

function tooManySteps(label: string): RvbbitError {
  const message = `${label} would be step ${RUN_MAX_CELL_STEPS + 1} of one run; does its routing go in a circle, or are there too many takes and wards?`;
  return new RvbbitError('RVB_LIMIT', message, { stage: 'execute' });
}

/** The least of the time limits that hold: of the run, of the cell, and of one model call. */
export interface TimeLimit {
  readonly ms: number;
  /** The error message when the time is over. */
  readonly message: string;
}

/** Returns the limit for a cell that starts now. */
export function timeLimit(run: Run, label: string, cellTimeoutMs: number | undefined): TimeLimit {
  const left = run.bounds.deadlineMs + run.bounds.waitedMs - run.context.nowMs();
  if (cellTimeoutMs !== undefined && cellTimeoutMs <= left) {
    return { ms: cellTimeoutMs, message: `${label} took longer than its ${cellTimeoutMs} ms` };
  }
  const message = `${label} was running when the run's ${run.bounds.timeoutMs} ms were over`;
  return { ms: left, message };
}

/** Returns the error of a limit that was exceeded. */
function timeoutError(limit: TimeLimit): RvbbitError {
  return new RvbbitError('RVB_TIMEOUT', limit.message, { stage: 'execute', retryable: true });
}

/**
 * Waits for a promise, until the limit's time is over or the statement is cancelled. If the wait ends early, `onEnd` is
 * called, and the promise's later result or rejection is ignored.
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
    // A timer may fire a fraction of a millisecond early, but the run's deadline must have passed when it fires.
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

/** Waits. Throws RVB_CANCELLED as soon as the statement is cancelled. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeoutPromise(ms, undefined, { signal });
  } catch {
    throw cancelledError();
  }
}
