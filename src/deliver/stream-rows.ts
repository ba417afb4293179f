/** A `RowStream` over a generator of rows: it starts at once, so that its columns can be awaited first. */
import type { OpenResult } from '../duck/open-result.ts';
import type { Notice, ResultColumn, Row, RowStream, Summary, ValueForm } from '../result.ts';
import { summaryNotices } from './delivered.ts';

/** What a stream learns before its first row. */
export interface StreamHead {
  readonly columns: readonly ResultColumn[];
  readonly notices: readonly Notice[];
  /** What is known only when the last row is. */
  lateNotices?(): readonly Notice[];
  /** Aborts when the statement is stopped. */
  readonly signal: AbortSignal;
}

/** How the generator of a stream tells what its rows do not. */
export interface StreamListener {
  /** Before the first row. */
  onHead(head: StreamHead): void;
  /** When the statement has ended, however that came. */
  onEnd(summary: Summary): void;
}

/** `rows` yields the rows. A consumer that stops early ends the generator, and with it the statement. */
export function rowStream(
  rows: (listener: StreamListener) => AsyncGenerator<Row, void>,
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
    // Without effect where the statement has begun.
    summary.reject(thrown);
    throw thrown;
  };
  // A generator that rests at a row hears of no abort, and its consumer may never come back.
  const endIfPaused = () => {
    if (stepsOut > 0 || ending !== undefined || signal === undefined) return;
    const { reason } = signal;
    ending = generator.return().then(() => fail(reason), fail);
    ending.catch(() => {});
  };
  const watch = async (step: Promise<IteratorResult<Row, void>>) => {
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
  let first: Promise<IteratorResult<Row, void>> | undefined = watch(generator.next());
  first.catch(() => {});
  const iterator: AsyncIterator<Row, void> = {
    next() {
      const step = first ?? ending ?? watch(generator.next());
      first = undefined;
      return step;
    },
    return: () => watch(generator.return()),
  };
  return {
    columns: columns.promise,
    summary: summary.promise,
    notices,
    [Symbol.asyncIterator]: () => iterator,
  };
}

/** The rows of a result, slice by slice. */
export async function* streamReader(
  reader: Pick<OpenResult, 'columns' | 'slices'>,
  form: ValueForm,
): AsyncGenerator<Row> {
  const names = reader.columns.map(({ name }) => name);
  for await (const { rowCount, columns } of reader.slices(form)) {
    for (let row = 0; row < rowCount; row++) {
      yield Object.fromEntries(names.map((name, index) => [name, columns[index]?.[row]]));
    }
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
  // Whoever iterates hears of the failure there.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
