/** Makes the calls of a blocking DuckDB function, whose thread waits on `state` until the answer is in `bytes`. */
import { workerData } from 'node:worker_threads';
import { Pool } from 'undici';

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
const pool = new Pool(url, { connections: 1 });

for (;;) {
  // Waits until the last answer has been read, and then until there is a question.
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
