/** One Piscina pool and its start. If its workers do not start, that is an error and never an endless wait. */
import type { Worker } from 'node:worker_threads';
import type * as PiscinaModule from 'piscina';
import { packTask } from '../../workers/packed-task.ts';
import type { ChunkOutcome, ChunkTask, WorkerHello } from '../../workers/protocol.ts';
import { messageOf, RvbbitError } from '../errors.ts';
import { requirePackage } from '../util/require-package.ts';
import { chooseWorker, WAITING_CHUNK } from './balance.ts';
import { Pending } from './pending.ts';

/** The longest time that a pool without a running worker waits for the first message of a worker. */
const WORKER_BOOT_MS = 5_000;

export interface WorkerPoolOptions {
  readonly threads: number;
  readonly tasksPerWorker: number;
  readonly workerHeapMb: number;
  readonly entry: URL;
  readonly welcome: (hello: WorkerHello) => void;
  /** Returns how many chunks that wait for models may gather on one worker. */
  readonly gatherMost: () => number;
  /** Part of the time that a thread's event loop is busy, 0 to 1. */
  readonly utilizationOf: (threadId: number) => number;
}

export class WorkerPool {
  readonly #piscina: PiscinaModule.Piscina;
  readonly #threads: number;
  /** The promises that wait for this pool: the tasks in flight and the start. */
  readonly #pending = new Pending();
  #failed = false;
  readonly #ending = new WeakSet<Worker>();
  #destroyed = false;
  /** The number of workers that have sent their first message and still live. */
  #up = 0;
  #wasUp = false;
  #lastError = 'the worker threads end without an error';
  #bootTimer: NodeJS.Timeout | undefined;

  /** Starts the threads and waits for the first of them. Throws RVB_WORKER_BOOT if none starts. */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    const { Piscina } = requirePackage('piscina') as typeof PiscinaModule;
    const pool = new WorkerPool(
      new Piscina({
        filename: options.entry.href,
        minThreads: options.threads,
        maxThreads: options.threads,
        // The lanes bound the tasks in flight. Piscina's own bound would reject tasks instead of letting them wait.
        concurrentTasksPerWorker: options.tasksPerWorker,
        // The default freezes an idle worker's event loop: its timers, links and sockets would stand still.
        atomics: 'disabled',
        // Nobody reads Piscina's histograms of all tasks.
        recordTiming: false,
        loadBalancer: (task, workers) =>
          chooseWorker(workers, {
            gatherMost: task.name === WAITING_CHUNK ? options.gatherMost() : 0,
            maxUsage: options.tasksPerWorker,
            utilizationOf: options.utilizationOf,
          }),
        resourceLimits: { maxOldGenerationSizeMb: options.workerHeapMb },
      }),
      options.threads,
    );
    await pool.#greeted(options.welcome);
    return pool;
  }

  private constructor(piscina: PiscinaModule.Piscina, threads: number) {
    this.#piscina = piscina;
    this.#threads = threads;
  }

  /**
   * Runs a task. Rejects with the error that ended the worker (the task is then lost), or with RVB_WORKER_BOOT if the
   * worker's successors do not start either.
   */
  run(task: ChunkTask): Promise<ChunkOutcome> {
    const waits = task.settings.models !== undefined;
    const options = waits ? { name: WAITING_CHUNK } : undefined;
    return this.#pending.race(this.#piscina.run(packTask(task), options));
  }

  /** False once the pool is destroyed or Piscina has given up starting workers. The pool must then be replaced. */
  get alive(): boolean {
    return !this.#failed && !this.#destroyed && this.#piscina.threads.length > 0;
  }

  /** True if the pool lacks threads. Piscina does not replace a thread that died at its start, and no other from then on. */
  get isShort(): boolean {
    return this.#piscina.threads.length < this.#threads;
  }

  /** Destroys the pool after the last of its tasks has ended. The caller gives it no more tasks. */
  async retire(): Promise<void> {
    await this.#pending.idle();
    await this.destroy();
  }

  /** Ends one worker; Piscina starts another in its place. A worker is told only once, because it may take time to end. */
  terminate(threadId: number): void {
    const worker = this.#piscina.threads.find((thread: Worker) => thread.threadId === threadId);
    if (worker === undefined || this.#ending.has(worker)) return;
    this.#ending.add(worker);
    void worker.terminate();
  }

  /** Destroys the pool and rejects its tasks in flight. Piscina's `close()` would lose tasks without a word. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    clearTimeout(this.#bootTimer);
    await this.#piscina.destroy();
  }

  #greeted(welcome: (hello: WorkerHello) => void): Promise<void> {
    this.#expectWorkers();
    const first = new Promise<void>((resolve) => {
      this.#piscina.on('message', (hello: WorkerHello) => {
        if (hello?.kind !== 'rvbbit.hello') return;
        this.#up += 1;
        this.#wasUp = true;
        clearTimeout(this.#bootTimer);
        welcome(hello);
        hello.port.on('close', () => {
          this.#up -= 1;
          if (this.#up === 0) this.#expectWorkers();
        });
        resolve();
      });
    });
    this.#piscina.on('error', (error: unknown) => {
      this.#lastError = messageOf(error);
    });
    // Piscina replaces a worker that dies, but not a replacement that dies at its start.
    this.#piscina.on('workerDestroy', () => queueMicrotask(() => this.#lookForEnd()));
    return this.#pending.race(first).catch(async (error: unknown) => {
      await this.destroy();
      throw error;
    });
  }

  /**
   * If Piscina has no thread left, it has given up. At the start that is an error. Later the tasks in flight are
   * lost, and a new pool may do better.
   */
  #lookForEnd(): void {
    if (this.#piscina.threads.length > 0 || this.#destroyed) return;
    if (!this.#wasUp) {
      this.#fail(this.#lastError);
      return;
    }
    this.#failed = true;
    clearTimeout(this.#bootTimer);
    this.#pending.rejectAll(new Error(`all workers are gone: ${this.#lastError}`));
  }

  #fail(reason: string): void {
    this.#failed = true;
    this.#pending.rejectAll(
      new RvbbitError('RVB_WORKER_BOOT', `worker threads do not start: ${reason}`, {
        stage: 'execute',
      }),
    );
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
