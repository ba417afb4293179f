/**
 * The module that `start.cts` loads in each worker thread. It takes chunks, runs the rows of each one after another,
 * and returns their outcomes.
 */

import { setMaxListeners } from 'node:events';
import { setImmediate as turnEnd } from 'node:timers/promises';
import { renderWithJinja } from '../src/cascade/jinja-host.ts';
import { compileJson } from '../src/cascade/json-validator.ts';
import { valueText } from '../src/cascade/plain-json.ts';
import type { Failure } from '../src/errors.ts';
import { failureOf } from '../src/errors.ts';
import { ADVISORIES_KEPT, CHUNK_GIVE_BACK_MS } from '../src/limits.ts';
import type { ChatOutcome, ChatRequest } from '../src/model/chat.ts';
import type { ChatLimits } from '../src/model/provider.ts';
import { askAhead } from '../src/run/ask-ahead.ts';
import { compileCascade } from '../src/run/compile-cascade.ts';
import type { Advisory, LookUp } from '../src/run/contract.ts';
import type { CascadeProgram } from '../src/run/program.ts';
import { rowInputs } from '../src/run/row-inputs.ts';
import { runCascadeNow } from '../src/run/run-cascade.ts';
import type { RunContext } from '../src/run/run-state.ts';
import { SharedChats } from '../src/run/shared-chat.ts';
import { dropOldest } from '../src/util/drop-oldest.ts';
import type { Json, JsonObject } from '../src/util/json.ts';
import { type UnsaidEnds, WorkerLink } from './link.ts';
import { type PackedTask, SettingsReader } from './packed-task.ts';
import type { ChunkOutcome, ChunkTask } from './protocol.ts';
import { Providers } from './providers.ts';

/** The most compiled cascades that a worker keeps. Beyond that the oldest is dropped, and compiled again if it is needed. */
const MAX_PROGRAMS = 64;
/** The most statements whose settings a worker keeps. Beyond that the oldest are dropped, and read again if they are needed. */
const MAX_SETTINGS = 64;

const providers = new Providers();
const link = new WorkerLink({
  warm: (target) => {
    if (target.kind === 'provider') providers.warm(target);
    loadAhead(() => renderWithJinja('text', '', {}));
  },
  bound: (share) => providers.sockets.bound(share),
});
const sharedChats = new SharedChats();
const programs = new Map<string, Promise<CascadeProgram | Failure>>();
const settings = new SettingsReader(MAX_SETTINGS);
const openChunks = new Map<number, number>();
// The validator is loaded and made ready while the first chunk is on its way.
setImmediate(() => loadAhead(() => compileJson({}, true)));

/**
 * Runs the chunks that came in one message. Returns the outcome of a chunk that came alone. Other outcomes go on the
 * link, each as soon as it is there.
 */
export default async function runChunks(
  packed: readonly PackedTask[],
): Promise<readonly ChunkOutcome[]> {
  const alone: ChunkOutcome[] = [];
  const give = (outcome: ChunkOutcome): void => {
    if (packed.length === 1) alone.push(outcome);
    else link.deliver(outcome);
  };
  const ends = await Promise.allSettled(
    packed.map((task) => runChunk(settings.unpack(task), give)),
  );
  // By then the last outcome has been posted.
  if (packed.length > 1) await turnEnd();
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return alone;
}

/** Runs a chunk and gives its outcome away at once, because code of another chunk's row may end the thread. */
async function runChunk(task: ChunkTask, give: (outcome: ChunkOutcome) => void): Promise<void> {
  const { statementId } = task;
  openChunks.set(statementId, (openChunks.get(statementId) ?? 0) + 1);
  try {
    const signal = link.signalOf(statementId);
    setMaxListeners(0, signal);
    const program = await programOf(task.cascadeHash);
    if ('code' in program) give(refuse(task, program));
    else await runRows(task, program, signal, give);
  } finally {
    const left = (openChunks.get(statementId) ?? 1) - 1;
    if (left === 0) {
      openChunks.delete(statementId);
      link.forget(statementId);
    } else {
      openChunks.set(statementId, left);
    }
  }
}

async function runRows(
  task: ChunkTask,
  program: CascadeProgram,
  signal: AbortSignal,
  give: (outcome: ChunkOutcome) => void,
): Promise<void> {
  link.beacon.begin(task.taskId, task.statementId);
  const startedMs = performance.now();
  const values: (string | null)[] = [];
  const failures: { index: number; error: Failure; attempts: number }[] = [];
  const skipped: number[] = [];
  const outputs: JsonObject[] = [];
  const results: Json[] = [];
  const { namesCalls, orders } = task.settings;
  let isLater = false;
  const unsaid: UnsaidEnds = { statementId: task.statementId, ended: [] };
  const advisories: Advisory[] = [];
  let advisoryCount = 0;
  let row = 0;
  let lookedUpMs = 0;
  let givesBack = false;
  const answersUsed: string[] = [];
  let ahead: Omit<LookUp, 'callKeys'> | undefined;
  let asked: Omit<LookUp, 'callKeys'> | undefined;
  const callKeys: string[] = [];
  const named = (key: string, calls: Omit<LookUp, 'callKeys'>) => {
    asked ??= calls;
    const isOther = asked.provider !== calls.provider || asked.model !== calls.model;
    const isSame = callKeys[row] === undefined || callKeys[row] === key;
    callKeys[row] = isSame && !isOther ? key : '';
  };
  const context: RunContext = {
    settings: task.settings,
    signal,
    runSql: (query) => link.sql(task.statementId, query),
    modelTarget: ({ model }) => task.settings.models?.targets[model ?? ''],
    chat: (target, request, options) => {
      // A cancel may wait while a thousand calls are being prepared, each in its own turn of the event loop.
      link.hearStops();
      const chat = (one: ChatRequest, limits: ChatLimits): Promise<ChatOutcome> =>
        target.kind === 'provider'
          ? providers.chat(target, one, limits)
          : link.chat(task.statementId, one, limits.timeoutMs);
      const { shared, ...limits } = options;
      return shared === undefined
        ? chat(request, limits)
        : sharedChats.ask(shared, target, { request, limits, chat });
    },
    requestCall: (request) => {
      const { cell, provider, model, callKey } = request;
      if (namesCalls) named(callKey, { cell, provider, model });
      const deciding = link.requestCall(unsaid, request);
      if (orders !== true) return deciding;
      return deciding.then((decision) => {
        if (decision.kind === 'refused' && decision.isLater === true) isLater = true;
        return decision;
      });
    },
    answerUsed: (callKey) => {
      answersUsed.push(callKey);
      if (namesCalls) named(callKey, ahead!);
    },
    endCall: (attempt, report) => link.endCall(unsaid, { attempt, report }),
    enterJs: (limitMs) => {
      link.tellAll();
      link.beacon.enter(task.taskId, task.statementId, row, limitMs);
    },
    leaveJs: () => link.beacon.leave(),
    nowMs: () => performance.now(),
  };
  const inputs = rowInputs(task);
  if (inputs.length > 1) {
    // The time that the main thread takes to answer must not count as time of the rows.
    const askedMs = performance.now();
    ahead = await askAhead(program, inputs, context, (asked) => link.find(task.statementId, asked));
    lookedUpMs = performance.now() - askedMs;
  }
  for (; row < task.rowCount; row++) {
    link.hearStops();
    if (signal.aborted || link.isDrained(task.statementId)) break;
    const started = runCascadeNow(program, inputs[row]!, context);
    // A run that does not wait for anything needs no promise.
    const outcome = started instanceof Promise ? await started : started;
    if ((signal.aborted && outcome.kind === 'failed') || isLater) break;
    values.push(outcome.kind === 'ok' ? valueText(outcome.value) : null);
    callKeys[row] ??= '';
    if (outcome.kind === 'failed') {
      failures.push({ index: row, error: outcome.error, attempts: outcome.attempts });
    }
    if (outcome.kind === 'skipped') skipped.push(row);
    if (outcome.advisories !== undefined) {
      advisoryCount += outcome.advisories.length;
      advisories.push(...outcome.advisories.slice(0, ADVISORIES_KEPT - advisories.length));
    }
    if (task.settings.keepOutputs) {
      outputs.push(outcome.outputs ?? {});
      results.push(outcome.kind === 'ok' ? outcome.value : null);
    }
    if (outcome.kind === 'failed' && task.settings.endsAtFailure) break;
    // Rows that were expected to find stored answers, but do not, must not hold back the rows that are done.
    const tookMs = performance.now() - startedMs - lookedUpMs;
    givesBack = tookMs > CHUNK_GIVE_BACK_MS && values.length < task.rowCount;
    if (givesBack) break;
  }
  const attempts = link.take(unsaid);
  give({
    taskId: task.taskId,
    values,
    failures,
    skipped,
    ...(task.settings.keepOutputs ? { outputs, results } : {}),
    ...(advisoryCount === 0 ? {} : { advisories: { count: advisoryCount, first: advisories } }),
    ...(attempts.length === 0 ? {} : { attempts }),
    ...(ahead === undefined || answersUsed.length === 0
      ? {}
      : { answersUsed: { ...ahead, callKeys: answersUsed } }),
    ...(asked === undefined ? {} : { calls: { ...asked, callKeys } }),
    durationMs: performance.now() - startedMs - lookedUpMs,
    ...(givesBack ? { givesBack } : {}),
    ...(isLater ? { isLater } : {}),
    cancelled: signal.aborted && values.length < task.rowCount,
  });
}

/** Loads something before it is needed. If that fails, the chunk that needs it says so. */
function loadAhead(load: () => unknown): void {
  try {
    load();
  } catch {}
}

function programOf(hash: string): Promise<CascadeProgram | Failure> {
  let program = programs.get(hash);
  if (program === undefined) {
    program = compile(hash);
    programs.set(hash, program);
    dropOldest(programs, MAX_PROGRAMS);
  }
  return program;
}

async function compile(hash: string): Promise<CascadeProgram | Failure> {
  try {
    const cascade = await link.cascade(hash);
    if (cascade !== null) return compileCascade(cascade);
    programs.delete(hash);
    return { code: 'RVB_INTERNAL', message: `the cascade ${hash} is not known` };
  } catch (thrown) {
    return failureOf(thrown, 'RVB_CASCADE_INVALID');
  }
}

/** Returns the outcome of a chunk in which every row failed for the same reason. */
function refuse(task: ChunkTask, error: Failure): ChunkOutcome {
  const rows = Array.from({ length: task.rowCount }, (_, index) => index);
  return {
    taskId: task.taskId,
    values: rows.map(() => null),
    failures: rows.map((index) => ({ index, error, attempts: 1 })),
    skipped: [],
    durationMs: 0,
    cancelled: false,
  };
}
