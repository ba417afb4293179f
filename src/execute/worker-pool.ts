/** One Piscina pool and its start-up: a worker that does not come up is an error, never a wait without end. */
import type { Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { packTask } from '../../workers/packed-task.ts';
import type { ChunkOutcome, ChunkTask, WorkerHello } from '../../workers/protocol.ts';
import { messageOf, RvbbitError } from '../errors.ts';
import { chooseWorker, WAITING_CHUNK } from './balance.ts';
import { Pending } from './pending.ts';

/** From a worker's start to its first word. */
const WORKER_BOOT_MS = 5_000;

export interface WorkerPoolOptions {
  readonly threads: number;
  readonly tasksPerWorker: number;
  readonly workerHeapMb: number;
  readonly entry: URL;
  readonly welcome: (hello: WorkerHello) => void;
  /** Part of the time that a thread's event loop is busy, 0 to 1. */
  readonly utilizationOf: (threadId: number) => number;
}

export class WorkerPool {
  readonly #piscina: Piscina;
  readonly #threads: number;
  /** What waits on this pool: tasks that are out, and the start itself. */
  readonly #pending = new Pending();
  #failed = false;
  readonly #ending = new WeakSet<Worker>();
  #destroyed = false;
  /** Workers that have said their first word and still live. */
  #up = 0;
  #wasUp = false;
  #lastError = 'they end without an error';
  #bootTimer: NodeJS.Timeout | undefined;

  /** Starts the threads and waits for the first of them. Throws RVB_WORKER_BOOT. */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    const { Piscina } = await import('piscina');
    const pool = new WorkerPool(
      new Piscina({
        filename: options.entry.href,
        minThreads: options.threads,
        maxThreads: options.threads,
        // The lanes bound what is out; Piscina's own bound would reject instead of wait.
        concurrentTasksPerWorker: options.tasksPerWorker,
        // The default freezes an idle worker's event loop: no timers, no links, no sockets.
        atomics: 'disabled',
        // Histograms of every task that nobody reads.
        recordTiming: false,
        loadBalancer: (task, workers) =>
          chooseWorker(
            workers,
            task.name === WAITING_CHUNK,
            options.tasksPerWorker,
            options.utilizationOf,
          ),
        resourceLimits: { maxOldGenerationSizeMb: options.workerHeapMb },
      }),
      options.threads,
    );
    await pool.#greeted(options.welcome);
    return pool;
  }

  private constructor(piscina: Piscina, threads: number) {
    this.#piscina = piscina;
    this.#threads = threads;
  }

  /**
   * Rejects with whatever ended the worker (the task is lost), or with RVB_WORKER_BOOT where its
   * successors do not come up either.
   */
  run(task: ChunkTask): Promise<ChunkOutcome> {
    const waits = task.settings.models !== undefined;
    const options = waits ? { name: WAITING_CHUNK } : undefined;
    return this.#pending.race(this.#piscina.run(packTask(task), options));
  }

  /** False once Piscina has given up starting workers; such a pool is to be replaced. */
  get alive(): boolean {
    return !this.#failed && !this.#destroyed && this.#piscina.threads.length > 0;
  }

  /** Fewer threads than it should have: Piscina starts none in place of one that died at its start, and no other from then on. */
  get isShort(): boolean {
    return this.#piscina.threads.length < this.#threads;
  }

  /** Ends with the last of its tasks; it is to be given no more. */
  async retire(): Promise<void> {
    await this.#pending.idle();
    await this.destroy();
  }

  /** Ends one worker, told once, since one that is in native code takes its time; Piscina starts another in its place. */
  terminate(threadId: number): void {
    const worker = this.#piscina.threads.find((thread: Worker) => thread.threadId === threadId);
    if (worker === undefined || this.#ending.has(worker)) return;
    this.#ending.add(worker);
    void worker.terminate();
  }

  /** Rejects what is still out. Piscina's `close()` would lose tasks without a word. */
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
    // Piscina replaces a worker that dies, but not one that dies at its start in another's place.
    this.#piscina.on('workerDestroy', () => queueMicrotask(() => this.#lookForEnd()));
    return this.#pending.race(first).catch(async (error: unknown) => {
      await this.destroy();
      throw error;
    });
  }

  /** Piscina has given up: at the start that is an error; later what is out is lost, and a new pool may do better. */
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

  /** No worker is up: one has to say its first word in time. */
  #expectWorkers(): void {
    clearTimeout(this.#bootTimer);
    if (this.#destroyed || this.#failed) return;
    // It also keeps the process alive meanwhile: Piscina's starting workers do not.
    this.#bootTimer = setTimeout(
      () => this.#fail(`no word from them within ${WORKER_BOOT_MS} ms`),
      WORKER_BOOT_MS,
    );
  }
}
