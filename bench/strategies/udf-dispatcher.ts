/** Makes the calls of a blocking DuckDB function, whose thread waits on `state` until the answer is in `bytes`. */
import { workerData } from 'node:worker_threads';
import { BareClient } from '../bare-client.ts';

export interface Mailbox {
  readonly url: string;
  /**
   * First number: 0 without work, 1 if `bytes` holds a question, 2 if it holds the answer. Second number: the length of
   * the text in `bytes`.
   */
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

const { url, state, bytes } = workerData as Mailbox;
const client = new BareClient(url, 1);

for (;;) {
  // Waits until the last answer has been read, and then until there is a question.
  Atomics.wait(state, 0, 2);
  Atomics.wait(state, 0, 0);
  const content = new TextDecoder().decode(bytes.slice(0, state[1]));
  const text = new TextEncoder().encode(await client.ask(content));
  bytes.set(text);
  state[1] = text.length;
  Atomics.store(state, 0, 2);
  Atomics.notify(state, 0);
}
