/** A call that waits for the limiter may hear meanwhile that an equal one has been answered. */
import type { Permit } from '../gate/gate-request.ts';
import type { SingleFlight } from './single-flight.ts';

/** Whichever comes first; a permit that comes after the answer is given back. `keeps` as of a listener. */
export function permitOrAnswer(
  waiting: Promise<Permit>,
  listening: { readonly flights: SingleFlight; readonly callKey: string; readonly keeps: boolean },
): Promise<Permit | string> {
  const { flights, callKey, keeps } = listening;
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const off = flights.listen(callKey, {
      keeps,
      hear: (text) => {
        if (text === undefined) return;
        isAnswered = true;
        resolve(text);
      },
    });
    waiting.then(
      (permit) => {
        off();
        if (isAnswered) permit.cancel();
        else resolve(permit);
      },
      (error: unknown) => {
        off();
        reject(error);
      },
    );
  });
}
