/** Runs chunks on worker threads of this process, with Piscina. */
import { totalmem } from 'node:os';
import type { ChunkTask } from '../../workers/protocol.ts';
import { closedError, messageOf, RvbbitError } from '../errors.ts';
import { GATHER_MAX_CHUNKS, MAX_PARALLEL } from '../limits.ts';
import type { ModelTarget } from '../model/chat.ts';
import { socketShare } from '../model/socket-share.ts';
import { packageFile } from '../util/package-files.ts';
import { Semaphore } from '../util/semaphore.ts';
import type { Dispatcher, DispatchResult, StatementHost } from './dispatcher.ts';
import { TaskOverdue } from './overdue-tasks.ts';
import { Watchdog } from './watchdog.ts';
import { WorkerLinks } from './worker-links.ts';
import { WorkerPool } from './worker-pool.ts';

export interface LocalDispatcherOptions {
  readonly threads: number;
  readonly workerHeapMb: number;
  /** Undefined: three quarters of the machine's memory. */
  readonly rssMb: number | undefined;
  /** The worker's module; tests pass one that fails to start. */
  readonly entry?: URL;
}

/**
 * Has two pools: the normal workers, and a quarantine pool, started when first needed, with a single worker that runs
 * one suspect and nothing else. A dying worker rejects every task that it holds with the same error. Worker code
 * itself returns outcomes and never throws, so a task that Piscina rejects is lost.
 */
export class LocalDispatcher implements Dispatcher {
  readonly #options: LocalDispatcherOptions;
  readonly #links = new WorkerLinks();
  readonly #watchdog: Watchdog;
  #pool: Promise<WorkerPool> | undefined;
  #quarantine: Promise<WorkerPool> | undefined;
  /** Suspects wait here for the quarantine worker, because a task that waits in a pool is lost when the pool's worker dies. */
  readonly #aloneTurns = new Semaphore(1);
  readonly #deathIds = new Map<unknown, number>();
  #deaths = 0;
  #out = 0;
  #closed = false;

  constructor(options: LocalDispatcherOptions) {
    this.#options = options;
    const rssBytes = options.rssMb === undefined ? totalmem() * 0.75 : options.rssMb * 2 ** 20;
    this.#watchdog = new Watchdog(this.#links, rssBytes, (threadId) => this.#terminate(threadId));
  }

  async ready(): Promise<void> {
    await this.#poolFor(false);
  }

  start(threads = 1): void {
    this.#grow(threads).catch(() => {});
  }

  async #grow(threads: number): Promise<void> {
    (await this.#poolFor(false)).grow(threads);
  }

  warm(targets: readonly ModelTarget[]): void {
    const open = () => {
      for (const target of targets) this.#links.warm(target);
    };
    this.ready().then(open, () => {});
  }

  openStatement(host: StatementHost): void {
    this.#links.openStatement(host);
  }

  closeStatement(statementId: number): void {
    this.#links.closeStatement(statementId);
  }

  dispatch(task: ChunkTask, { alone }: { readonly alone: boolean }): Promise<DispatchResult> {
    return alone ? this.#aloneTurns.use(() => this.#send(task, true)) : this.#send(task, false);
  }

  async #send(task: ChunkTask, alone: boolean): Promise<DispatchResult> {
    const pool = await this.#poolFor(alone);
    this.#out += 1;
    this.#watchdog.start();
    try {
      const { overdue } = this.#watchdog;
      return { kind: 'done', outcome: await overdue.race(task, pool.run(task)) };
    } catch (thrown) {
      if (thrown instanceof RvbbitError) throw thrown;
      if (thrown instanceof TaskOverdue) {
        const { message: reason, limitMs: unansweredMs } = thrown;
        return { kind: 'lost', reason, deathId: this.#deathIdOf(thrown), unansweredMs };
      }
      const suspect = this.#links.suspectOf(task.taskId);
      const overstayedMs = this.#watchdog.takeOverstay(task.taskId);
      return {
        kind: 'lost',
        reason: messageOf(thrown, 200),
        deathId: this.#deathIdOf(thrown),
        begun: this.#links.wasBegun(task.taskId),
        ...(suspect === undefined ? {} : { suspect }),
        ...(overstayedMs === undefined ? {} : { overstayedMs }),
      };
    } finally {
      this.#out -= 1;
      if (this.#out === 0) this.#watchdog.stop();
    }
  }

  cancelStatement(statementId: number): void {
    this.#links.cancelStatement(statementId);
  }

  drainStatement(statementId: number): void {
    this.#links.drainStatement(statementId);
  }

  endStuckWorkers(statementId: number): void {
    for (const { threadId, reading } of this.#links.readings()) {
      const isStuck = reading.busy || this.#watchdog.isSilent(threadId);
      if (isStuck && reading.statementId === statementId) this.#terminate(threadId);
    }
  }

  /** Destroys the pools; the caller has settled its statements before. Piscina's own `close()` would lose tasks. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watchdog.stop();
    const pools = await Promise.allSettled([this.#pool, this.#quarantine]);
    await Promise.all(pools.map((pool) => pool.status === 'fulfilled' && pool.value?.destroy()));
  }

  #poolFor(alone: boolean): Promise<WorkerPool> {
    if (this.#closed) {
      throw closedError();
    }
    return alone ? this.#quarantinePool() : this.#mainPool();
  }

  async #mainPool(): Promise<WorkerPool> {
    const current = this.#pool;
    if (!(await usable(current)) && this.#pool === current) {
      abandon(current);
      const { threads } = this.#options;
      this.#pool = this.#start(threads, Math.ceil(MAX_PARALLEL / threads));
    }
    return this.#pool!;
  }

  async #quarantinePool(): Promise<WorkerPool> {
    const current = this.#quarantine;
    if (!(await usable(current)) && this.#quarantine === current) {
      abandon(current);
      this.#quarantine = this.#start(1, 1);
    }
    return this.#quarantine!;
  }

  /** Returns the number of a worker's death. Piscina rejects all tasks of a dead worker with the same error object. */
  #deathIdOf(thrown: unknown): number {
    let id = this.#deathIds.get(thrown);
    if (id === undefined) {
      id = ++this.#deaths;
      this.#deathIds.set(thrown, id);
      // All tasks of the worker are rejected in one go. A later worker may die of an equal string, which is another
      // death.
      setImmediate(() => this.#deathIds.delete(thrown));
    }
    return id;
  }

  #start(threads: number, tasksPerWorker: number): Promise<WorkerPool> {
    return WorkerPool.start({
      threads,
      tasksPerWorker,
      workerHeapMb: this.#options.workerHeapMb,
      // Built from workers/start.cts.
      entry: this.#options.entry ?? packageFile('dist/bundle/worker.cjs'),
      welcome: (hello, settle) => this.#links.welcome(hello, settle),
      hear: (threadId) => this.#links.hear(threadId),
      gatherMost: () => Math.min(GATHER_MAX_CHUNKS, socketShare.each),
      utilizationOf: (threadId) => this.#links.utilizationOf(threadId),
    });
  }

  #terminate(threadId: number): void {
    for (const starting of [this.#pool, this.#quarantine]) {
      starting?.then((pool) => pool.terminate(threadId)).catch(() => {});
    }
  }
}

/** Ends a pool that cannot be used any more. Its unfinished tasks are lost, and run again in the next pool. */
function abandon(pool: Promise<WorkerPool> | undefined): void {
  pool?.then((old) => old.destroy()).catch(() => {});
}

/** Whether a pool can be used. False if it did not start or Piscina has given it up; the caller then starts a new pool. */
async function usable(pool: Promise<WorkerPool> | undefined): Promise<boolean> {
  try {
    return pool !== undefined && (await pool).alive;
  } catch {
    return false;
  }
}
