/**
 * Group commit: one sync serves all callers that wait for their records. For a waiting caller the sync begins at once,
 * but at least 20 ms after the start of the last sync. If no caller waits, it begins when the first record is due.
 * With 64 records that have a due time, it begins as soon as the last sync has ended.
 */
import { JOURNAL_COMMIT_MS, JOURNAL_COMMIT_RECORDS } from '../../limits.ts';

interface CommitWait {
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Decides when `sync` runs. After a failure every waiting and every later `commit` rejects. */
export class GroupCommit {
  readonly #sync: () => Promise<void>;
  #added = 0;
  #synced = 0;
  /** The number of records with a due time since the last sync started. */
  #due = 0;
  /** The earliest due time of those records: the next sync must begin by then. In ms of `performance.now()`. */
  #dueMs = Infinity;
  #waiters: CommitWait[] = [];
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #running: Promise<void> | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown } | undefined;

  /** `sync` must put every record on disk that was noted before it was called. */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Notes a new record that may wait for `withinMs`. With Infinity it has no due time and joins the next sync. */
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

  /** Resolves when every record noted so far is on disk. */
  commit(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#synced === this.#added) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ upTo: this.#added, resolve, reject });
      if (this.#running === undefined) this.#schedule();
    });
  }

  /** Resolves when no sync is running. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Rejects every waiting `commit` and every later `commit` with `error`. */
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
