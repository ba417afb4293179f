/**
 * Group commit: one sync serves everyone who waits. It begins at once where the disk was idle, else at most every
 * 20 ms; without anyone waiting, in the time that the records have; with 64 records that have to be on disk some time
 * it begins as soon as the one before it has ended.
 */
import { JOURNAL_COMMIT_MS, JOURNAL_COMMIT_RECORDS } from '../../limits.ts';

interface CommitWait {
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Decides when `sync` runs. Once it has failed, so has everything that waits and will wait. */
export class GroupCommit {
  readonly #sync: () => Promise<void>;
  #added = 0;
  #synced = 0;
  /** Records since the last start that have to be on disk some time. */
  #due = 0;
  /** When the next sync must begin, for what was noted since the last start. */
  #dueMs = Infinity;
  #waiters: CommitWait[] = [];
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #running: Promise<void> | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown } | undefined;

  /** `sync` puts everything noted before its call on disk. */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** A record was added that can wait so long; with Infinity it goes with whatever comes next. */
  note(withinMs: number = JOURNAL_COMMIT_MS): void {
    this.#added += 1;
    if (withinMs === Infinity) return;
    this.#due += 1;
    const dueMs = performance.now() + withinMs;
    const isSooner = dueMs < this.#dueMs;
    if (isSooner) this.#dueMs = dueMs;
    if (this.#running !== undefined || this.#failure !== undefined) return;
    if (this.#due >= JOURNAL_COMMIT_RECORDS) this.#start();
    else if (isSooner) this.#startIn(withinMs);
  }

  /** Resolves when everything noted so far is on disk. */
  commit(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#synced === this.#added) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ upTo: this.#added, resolve, reject });
      if (this.#running === undefined) this.#schedule();
    });
  }

  /** Resolves when no sync runs. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Fails everything that waits and will wait. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#clearTimers();
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  #schedule(): void {
    const waitMs = this.#lastStartMs + JOURNAL_COMMIT_MS - performance.now();
    if (waitMs > 0) this.#startIn(waitMs);
    else this.#immediate ??= setImmediate(() => this.#start());
  }

  #startIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), ms);
  }

  #start(): void {
    this.#clearTimers();
    if (this.#running !== undefined || this.#failure !== undefined) return;
    this.#lastStartMs = performance.now();
    this.#dueMs = Infinity;
    this.#due = 0;
    const upTo = this.#added;
    this.#running = this.#sync().then(
      () => this.#ended(upTo),
      (error: unknown) => {
        this.#running = undefined;
        this.fail(error);
      },
    );
  }

  #ended(upTo: number): void {
    this.#running = undefined;
    this.#synced = upTo;
    const served = this.#waiters.filter((waiter) => waiter.upTo <= upTo);
    this.#waiters = this.#waiters.filter((waiter) => waiter.upTo > upTo);
    for (const { resolve } of served) resolve();
    if (this.#due >= JOURNAL_COMMIT_RECORDS) this.#start();
    else if (this.#waiters.length > 0) this.#schedule();
    else if (this.#dueMs !== Infinity) this.#startIn(Math.max(0, this.#dueMs - performance.now()));
  }

  #clearTimers(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }
}
