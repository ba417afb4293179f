/** Worker threads, started as they are needed. If none of them starts, that is an error and never an endless wait. */
import type { Worker } from 'node:worker_threads';
import type * as PiscinaModule from 'piscina';
import { packTask } from '../../workers/packed-task.ts';
import type { ChunkOutcome, ChunkTask, WorkerHello } from '../../workers/protocol.ts';
import { messageOf, RvbbitError } from '../errors.ts';
import { socketShare } from '../model/socket-share.ts';
import { requirePackage } from '../util/require-package.ts';
import { Pending } from './pending.ts';

/** The longest time that a pool without a running worker waits for the first message of a worker. */
const WORKER_BOOT_MS = 5_000;
/** A thread that was lost for good is replaced at once, but only once within this time. */
const THREAD_RENEW_MS = 5_000;
/** A worker gathers chunks that wait for models only while its event loop is busy for less than this part of the time. */
const GATHER_MAX_UTILIZATION = 0.7;

export interface WorkerPoolOptions {
  /** The most threads. */
  readonly threads: number;
  readonly tasksPerWorker: number;
  readonly workerHeapMb: number;
  readonly entry: URL;
  /** Takes a worker's first message. `settle` takes the outcomes that come on the worker's link. */
  readonly welcome: (hello: WorkerHello, settle: (outcome: ChunkOutcome) => void) => void;
  /** Reads what a worker has posted on its link so far. */
  readonly hear: (threadId: number) => void;
  /** Returns how many chunks that wait for models may gather on one worker. */
  readonly gatherMost: () => number;
  /** Part of the time that a thread's event loop is busy, 0 to 1. */
  readonly utilizationOf: (threadId: number) => number;
}

/** A thread, and the threads that Piscina starts in its place after it has died. */
interface PoolThread {
  readonly piscina: PiscinaModule.Piscina;
  /** The tasks without an outcome, by task id. */
  readonly open: Map<number, OpenTask>;
  /** The tasks of this turn of the event loop that go together, because each message wakes the worker. */
  turn: ChunkTask[];
  /** Undefined until the thread has sent its first message. */
  id?: number;
}

interface OpenTask {
  readonly resolve: (outcome: ChunkOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #threads = new Set<PoolThread>();
  /** Waits for the first message of a thread. */
  readonly #start = new Pending();
  #onFirst: () => void = () => {};
  #failed = false;
  readonly #ending = new WeakSet<Worker>();
  #destroyed = false;
  /** The number of workers that have sent their first message and still live. */
  #up = 0;
  #wasUp = false;
  /** The threads that were given up before one was up. */
  #unborn = 0;
  #lostMs = -Infinity;
  #growsMs = -Infinity;
  #lastError = 'the worker threads end without an error';
  #bootTimer: NodeJS.Timeout | undefined;

  /** Starts a thread and waits for it. Throws RVB_WORKER_BOOT if none starts. */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    socketShare.count(options.threads);
    const first = new Promise<void>((resolve) => {
      pool.#onFirst = resolve;
    });
    pool.#expectWorkers();
    pool.#add();
    try {
      await pool.#start.race(first);
      return pool;
    } catch (thrown) {
      await pool.destroy();
      throw thrown;
    }
  }

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Starts threads until there are `threads`, or as many as the pool may have. */
  grow(threads: number): void {
    while (this.#threads.size < threads && this.#mayGrow()) this.#add();
  }

  /**
   * Runs a task. Rejects with the error that ended the worker (the task is then lost), or with RVB_WORKER_BOOT if the
   * worker's successors do not start either.
   */
  run(task: ChunkTask): Promise<ChunkOutcome> {
    return new Promise((resolve, reject) => {
      if (!this.alive) return reject(goneError('its pool was closed'));
      const waits = task.settings.models !== undefined;
      const thread = this.#choose(waits);
      thread.open.set(task.taskId, { resolve, reject });
      // Chunks that mostly compute have little to say, and each is to have its own turns of the worker's event loop.
      if (!waits) void this.#send(thread, [task]);
      else if (thread.turn.push(task) === 1) setImmediate(() => this.#sendTurn(thread));
    });
  }

  #sendTurn(thread: PoolThread): void {
    const { turn } = thread;
    thread.turn = [];
    void this.#send(thread, turn);
  }

  /** False once the pool is destroyed, or none of its threads starts any more. The pool must then be replaced. */
  get alive(): boolean {
    return !this.#failed && !this.#destroyed;
  }

  /** Ends one worker; Piscina starts another in its place. A worker is told only once, because it may take time to end. */
  terminate(threadId: number): void {
    for (const { piscina } of this.#threads) {
      const worker = piscina.threads.find((thread: Worker) => thread.threadId === threadId);
      if (worker === undefined || this.#ending.has(worker)) continue;
      this.#ending.add(worker);
      void worker.terminate();
    }
  }

  /** Destroys the pool and rejects its tasks in flight. Piscina's `close()` would lose tasks without a word. */
  async destroy(): Promise<void> {
    if (!this.#destroyed) socketShare.count(-this.#options.threads);
    this.#destroyed = true;
    clearTimeout(this.#bootTimer);
    await Promise.all([...this.#threads].map(({ piscina }) => piscina.destroy()));
  }

  /** Sends tasks in one message. Those without an outcome are lost when the worker has died. */
  async #send(thread: PoolThread, tasks: readonly ChunkTask[]): Promise<void> {
    let outcomes: readonly ChunkOutcome[] | null = [];
    let lost: unknown = null;
    try {
      // Piscina would start a thread anew for a task that comes after `destroy`.
      if (!this.alive || !this.#threads.has(thread)) throw goneError('its pool was closed');
      outcomes = await thread.piscina.run(tasks.map(packTask));
    } catch (thrown) {
      lost = thrown;
    }
    // What the worker said before comes first, also what it said before its death.
    this.#options.hear(thread.id ?? 0);
    // If a worker dies of `throw null`, its tasks resolve to null instead of being rejected.
    for (const outcome of outcomes ?? []) settle(thread, outcome);
    for (const { taskId } of tasks) {
      thread.open.get(taskId)?.reject(lost);
      thread.open.delete(taskId);
    }
  }

  /**
   * Chooses the thread with the fewest tasks; another thread if all have some. Chunks that mostly wait gather on the
   * first worker whose event loop has time for them instead: one event loop serves hundreds of calls, and two half-idle
   * event loops spend a third more on the same calls.
   */
  #choose(waits: boolean): PoolThread {
    const { gatherMost, utilizationOf } = this.#options;
    const gathered = waits ? gatherMost() : 0;
    let chosen: PoolThread | undefined;
    for (const thread of this.#threads) {
      const { open, id = 0 } = thread;
      if (open.size < gathered && utilizationOf(id) < GATHER_MAX_UTILIZATION) return thread;
      if (chosen === undefined || open.size < chosen.open.size) chosen = thread;
    }
    if (chosen !== undefined && (chosen.open.size === 0 || !this.#mayGrow())) return chosen;
    return this.#add();
  }

  #mayGrow(): boolean {
    if (!this.alive || this.#threads.size >= this.#options.threads) return false;
    return performance.now() >= this.#growsMs;
  }

  #add(): PoolThread {
    const { Piscina } = requirePackage('piscina') as typeof PiscinaModule;
    const { entry, tasksPerWorker, workerHeapMb, welcome } = this.#options;
    const piscina = new Piscina({
      filename: entry.href,
      minThreads: 1,
      maxThreads: 1,
      // The lanes bound the tasks in flight. Piscina's own bound would reject tasks instead of letting them wait.
      concurrentTasksPerWorker: tasksPerWorker,
      // The default freezes an idle worker's event loop: its timers, links and sockets would stand still.
      atomics: 'disabled',
      // Nobody reads Piscina's histograms of all tasks.
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMb },
    });
    const thread: PoolThread = { piscina, open: new Map(), turn: [] };
    this.#threads.add(thread);
    piscina.on('message', (hello: WorkerHello) => {
      if (hello?.kind !== 'rvbbit.hello') return;
      thread.id = hello.threadId;
      this.#up += 1;
      this.#wasUp = true;
      clearTimeout(this.#bootTimer);
      welcome(hello, (outcome) => settle(thread, outcome));
      hello.port.on('close', () => {
        this.#up -= 1;
        if (this.#up === 0) this.#expectWorkers();
      });
      this.#onFirst();
    });
    piscina.on('error', (error: unknown) => {
      this.#lastError = messageOf(error);
    });
    // Piscina replaces a worker that dies, but not a replacement that dies at its start.
    piscina.on('workerDestroy', () => queueMicrotask(() => this.#lookForEnd(thread)));
    return thread;
  }

  /**
   * If Piscina has not started a thread again, it has given up, and the tasks of the thread are lost. If that was the
   * last thread, a new pool may do better. At the start it is an error once as many threads as there may be were given up.
   */
  #lookForEnd(thread: PoolThread): void {
    if (thread.piscina.threads.length > 0 || this.#destroyed || !this.#threads.delete(thread))
      return;
    void thread.piscina.destroy();
    if (this.#wasUp) {
      this.#growsMs = this.#lostMs + THREAD_RENEW_MS;
      this.#lostMs = performance.now();
      this.#failed = this.#threads.size === 0;
      if (this.#failed) clearTimeout(this.#bootTimer);
      this.#options.hear(thread.id ?? 0);
      rejectAll(thread, goneError(this.#lastError));
      return;
    }
    this.#unborn += 1;
    if (this.#unborn < this.#options.threads) this.#add();
    else this.#fail(this.#lastError);
  }

  #fail(reason: string): void {
    this.#failed = true;
    const message = `worker threads do not start: ${reason}`;
    const error = new RvbbitError('RVB_WORKER_BOOT', message, { stage: 'execute' });
    this.#start.rejectAll(error);
    for (const thread of this.#threads) rejectAll(thread, error);
  }

  /** No worker is up: starts the time limit for the first message of a worker. */
  #expectWorkers(): void {
    clearTimeout(this.#bootTimer);
    if (this.#destroyed || this.#failed) return;
    // The timer also keeps the process alive meanwhile. Piscina's starting workers do not.
    this.#bootTimer = setTimeout(
      () => this.#fail(`none of them has started within ${WORKER_BOOT_MS} ms`),
      WORKER_BOOT_MS,
    );
  }
}

/** Takes the outcome of a task. A task that was given up may still have an outcome; nobody waits for it. */
function settle({ open }: PoolThread, outcome: ChunkOutcome): void {
  open.get(outcome.taskId)?.resolve(outcome);
  open.delete(outcome.taskId);
}

function rejectAll({ open }: PoolThread, error: unknown): void {
  for (const { reject } of open.values()) reject(error);
  open.clear();
}

function goneError(reason: string): Error {
  return new Error(`the worker is gone: ${reason}`);
}
