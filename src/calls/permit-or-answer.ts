/** A call that waits for a permit may get the answer of an equal call meanwhile. */
import type { Permit } from './gate/gate-request.ts';
import type { SingleFlight } from './single-flight.ts';

/** Returns the permit or an equal call's answer, whichever comes first. Cancels a later permit. */
export function permitOrAnswer(
  waiting: Promise<Permit>,
  listening: { readonly flights: SingleFlight; readonly callKey: string; readonly keeps: boolean },
): Promise<Permit | string> {
  const { flights, callKey, keeps } = listening;
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    let off = (): void => {};
    const listen = (): void => {
      off = flights.listen(callKey, { keeps, hear });
    };
    const hear = (text: string | undefined): void => {
      if (text === undefined) {
        // Another equal call may go out before this one, so listen again.
        listen();
        return;
      }
      isAnswered = true;
      resolve(text);
    };
    listen();
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
