/** Lets a reader have parts of a result while the work on the rest goes on. */
import { cancelledError } from '../errors.ts';
import type { StatementSignal } from '../util/statement-signal.ts';

/**
 * Yields the parts that `work` gives, and its result at last. `give` resolves when the part after it is asked for. If the
 * reader leaves before, the statement ends.
 */
export async function* inParts<T>(
  stop: StatementSignal,
  work: (give: (part: T) => Promise<void>) => Promise<T>,
): AsyncGenerator<T, void> {
  const offers: { readonly part: T; take(): void; refuse(reason: unknown): void }[] = [];
  let wake = () => {};
  const working = work(
    (part) =>
      new Promise((take, refuse) => {
        offers.push({ part, take, refuse });
        wake();
      }),
  );
  working.catch(() => undefined);
  try {
    for (;;) {
      const isOffered = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (offers.length === 0) await Promise.race([isOffered, working]);
      const [offer] = offers;
      if (offer === undefined) break;
      yield offer.part;
      offers.shift();
      offer.take();
    }
    yield await working;
  } finally {
    if (offers.length > 0) stop.abandon();
    for (const { refuse } of offers) refuse(cancelledError());
    await working.catch(() => undefined);
  }
}
