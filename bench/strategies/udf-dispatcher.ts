/** Makes the calls of a blocking function of DuckDB: its thread waits on `state` until the answer's bytes are in `bytes`. */
import { workerData } from 'node:worker_threads';
import { Pool } from 'undici';

export interface Mailbox {
  readonly url: string;
  /** 0: nothing to do. 1: a question is in `bytes`. 2: its answer is. The second number is their length. */
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

const { url, state, bytes } = workerData as Mailbox;
const pool = new Pool(url, { connections: 1 });

for (;;) {
  // Until the last answer has been taken, and there is a question.
  Atomics.wait(state, 0, 2);
  Atomics.wait(state, 0, 0);
  const content = new TextDecoder().decode(bytes.slice(0, state[1]));
  const { body } = await pool.request({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
  });
  const answer = (await body.json()) as { choices: { message: { content: string } }[] };
  const text = new TextEncoder().encode(answer.choices[0]!.message.content);
  bytes.set(text);
  state[1] = text.length;
  Atomics.store(state, 0, 2);
  Atomics.notify(state, 0);
}
