/** Equal calls that are wanted at the same time are made once: the first leads, the others wait for its answer. */

/** Gets the leader's answer, or nothing where it has none to share: then one of those waiting leads. */
type Follower = (text: string | undefined) => void;

export class SingleFlight {
  readonly #flights = new Map<string, Follower[]>();

  /** True where the caller now leads and must `land`; false where another does. */
  lead(callKey: string): boolean {
    if (this.#flights.has(callKey)) return false;
    this.#flights.set(callKey, []);
    return true;
  }

  /** Waits for the leader's answer; at once without one where nobody leads or the signal aborts. */
  follow(callKey: string, signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const followers = this.#flights.get(callKey);
      if (followers === undefined || signal.aborted) {
        resolve(undefined);
        return;
      }
      const end: Follower = (text) => {
        signal.removeEventListener('abort', onAbort);
        resolve(text);
      };
      const onAbort = (): void => {
        const at = followers.indexOf(end);
        if (at !== -1) followers.splice(at, 1);
        resolve(undefined);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      followers.push(end);
    });
  }

  /** The leader is done, with an answer or without. */
  land(callKey: string, text: string | undefined): void {
    const followers = this.#flights.get(callKey);
    this.#flights.delete(callKey);
    for (const end of followers ?? []) end(text);
  }
}
