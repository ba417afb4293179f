/** A `RowStream` over a generator of rows: it starts at once, so that its columns can be awaited first. */
import type { ResultReader } from '../duck/reader.ts';
import { RvbbitError } from '../errors.ts';
import { reasonOf } from '../execute/cancel.ts';
import type { Notice, ResultColumn, Row, RowStream, Summary, ValueForm } from '../result.ts';

/** What a stream learns before its first row. */
export interface StreamHead {
  readonly columns: readonly ResultColumn[];
  readonly notices: readonly Notice[];
}

/**
 * `rows` yields the rows and returns the summary; it calls `onHead` before the first row. A consumer
 * that stops early ends the generator, and with it the statement.
 */
export function rowStream(
  rows: (onHead: (head: StreamHead) => void) => AsyncGenerator<Row, Summary>,
): RowStream {
  const columns = deferred<readonly ResultColumn[]>();
  const summary = deferred<Summary>();
  const notices: Notice[] = [];
  const generator = rows((head) => {
    notices.push(...head.notices);
    columns.resolve(head.columns);
  });
  const watch = async (step: Promise<IteratorResult<Row, Summary>>) => {
    try {
      const result = await step;
      if (result.done === true) {
        columns.resolve([]);
        if (result.value !== undefined) summary.resolve(result.value);
      }
      return result;
    } catch (thrown) {
      columns.reject(thrown);
      const done = thrown instanceof RvbbitError ? thrown.summary : undefined;
      if (done === undefined) summary.reject(thrown);
      else summary.resolve(done);
      throw thrown;
    }
  };
  let first: Promise<IteratorResult<Row, Summary>> | undefined = watch(generator.next());
  first.catch(() => {});
  const iterator: AsyncIterator<Row, Summary> = {
    next() {
      const step = first ?? watch(generator.next());
      first = undefined;
      return step;
    },
    return: (value) => watch(generator.return(value as Summary)),
  };
  return {
    columns: columns.promise,
    summary: summary.promise,
    notices,
    [Symbol.asyncIterator]: () => iterator,
  };
}

/** The rows of a finished result, slice by slice. */
export async function* streamReader(
  reader: ResultReader,
  form: ValueForm,
  signal: AbortSignal,
): AsyncGenerator<Row> {
  const names = reader.columns.map(({ name }) => name);
  for await (const { rowCount, columns } of reader.slices(form)) {
    for (let row = 0; row < rowCount; row++) {
      if (signal.aborted) throw reasonOf(signal);
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
