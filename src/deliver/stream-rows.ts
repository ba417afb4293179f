/** Makes a `RowStream` from a generator of rows. It starts at once, so that its columns can be awaited first. */
import type { OpenResult } from '../duck/open-result.ts';
import { objectOf } from '../duck/plain-object.ts';
import type { Notice, ResultColumn, Row, RowStream, Summary, ValueForm } from '../result.ts';
import { summaryNotices } from './delivered.ts';

/** The facts that a stream knows before its first row. */
export interface StreamHead {
  readonly columns: readonly ResultColumn[];
  readonly notices: readonly Notice[];
  /** Returns the notices that are known only after the last row. */
  lateNotices?(): readonly Notice[];
  /** Aborts when the statement is stopped. */
  readonly signal: AbortSignal;
}

/** Receives what the generator of a stream reports besides its rows. */
export interface StreamListener {
  /** Called before the first row. */
  onHead(head: StreamHead): void;
  /** Called when the statement has ended, also after a failure. */
  onEnd(summary: Summary): void;
}

/**
 * Returns a row stream. `rows` yields batches of all rows that are ready, because one generator step for each row would
 * cost more than most rows. A consumer that stops early ends the generator, and with it the statement.
 */
export function rowStream(
  rows: (listener: StreamListener) => AsyncGenerator<readonly Row[], void>,
): RowStream {
  const columns = deferred<readonly ResultColumn[]>();
  const summary = deferred<Summary>();
  const notices: Notice[] = [];
  let signal: AbortSignal | undefined;
  let lateNotices: StreamHead['lateNotices'];
  let stepsOut = 0;
  let ending: Promise<never> | undefined;
  let ended: Summary | undefined;
  const generator = rows({
    onHead(head) {
      notices.push(...head.notices);
      columns.resolve(head.columns);
      signal = head.signal;
      lateNotices = head.lateNotices;
      signal.addEventListener('abort', endIfPaused, { once: true });
    },
    onEnd(done) {
      ended = done;
      summary.resolve(done);
    },
  });
  const fail = (thrown: unknown): never => {
    columns.reject(thrown);
    // No effect if `onEnd` has already resolved the summary.
    summary.reject(thrown);
    throw thrown;
  };
  // A generator that is paused at a `yield` does not notice an abort, and its consumer may never ask for more rows.
  const endIfPaused = () => {
    if (stepsOut > 0 || ending !== undefined || signal === undefined) return;
    const { reason } = signal;
    ending = generator.return().then(() => fail(reason), fail);
    ending.catch(() => {});
  };
  const watch = async (step: Promise<IteratorResult<readonly Row[], void>>) => {
    stepsOut += 1;
    try {
      const result = await step;
      stepsOut -= 1;
      if (result.done !== true) {
        if (signal?.aborted === true) endIfPaused();
        return result;
      }
      signal?.removeEventListener('abort', endIfPaused);
      notices.push(...(lateNotices?.() ?? []));
      lateNotices = undefined;
      columns.resolve([]);
      if (ended !== undefined) notices.push(...summaryNotices(ended));
      ended = undefined;
      return result;
    } catch (thrown) {
      signal?.removeEventListener('abort', endIfPaused);
      return fail(thrown);
    }
  };
  let batch: readonly Row[] = [];
  let taken = 0;
  const advance = async (): Promise<IteratorResult<Row, void>> => {
    for (;;) {
      const step = await watch(generator.next());
      if (step.done === true) return step;
      const [row] = step.value;
      if (row === undefined) continue;
      batch = step.value;
      taken = 1;
      return { done: false, value: row };
    }
  };
  /** The pending step to the next batch. A `next()` that is called meanwhile waits for it and takes a later row. */
  let advancing: Promise<unknown> | undefined;
  const started = () => {
    const step = advance();
    const ended = step.finally(() => {
      if (advancing === ended) advancing = undefined;
    });
    advancing = ended;
    ended.catch(() => {});
    return step;
  };
  let first: Promise<IteratorResult<Row, void>> | undefined = started();
  const iterator: AsyncIterator<Row, void> = {
    next() {
      const step = first ?? ending ?? advancing?.then(() => iterator.next());
      first = undefined;
      if (step !== undefined) return step;
      const row = batch[taken];
      if (row === undefined) return started();
      taken += 1;
      return Promise.resolve({ done: false, value: row });
    },
    async return() {
      batch = [];
      await watch(generator.return());
      return { done: true, value: undefined };
    },
  };
  return {
    columns: columns.promise,
    summary: summary.promise,
    notices,
    takeReady() {
      if (first !== undefined || ending !== undefined || advancing !== undefined) return undefined;
      const row = batch[taken];
      if (row !== undefined) taken += 1;
      return row;
    },
    [Symbol.asyncIterator]: () => iterator,
  };
}

/** Yields the rows of a result, one batch for each slice. */
export async function* streamReader(
  reader: Pick<OpenResult, 'columns' | 'slices'>,
  form: ValueForm,
): AsyncGenerator<readonly Row[]> {
  const names = reader.columns.map(({ name }) => name);
  for await (const { rowCount, columns } of reader.slices(form)) {
    yield Array.from({ length: rowCount }, (_, row) =>
      objectOf(names, (index) => columns[index]![row]),
    );
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Prevents an unhandled rejection. The iterator reports the failure too.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
