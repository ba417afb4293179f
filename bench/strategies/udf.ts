/**
 * The approach that the engine replaced: a DuckDB function that blocks until its answer has arrived, with one call for
 * each row. DuckDB calls a JavaScript function on Node's single thread, so two of its calls are never in flight at once,
 * however the query is written.
 */
import { Worker } from 'node:worker_threads';
import { type DuckDBConnection, DuckDBInstance, VARCHAR } from '@duckdb/node-api';
import { registerTextFunction } from '../text-function.ts';
import type { Mailbox } from './udf-dispatcher.ts';
import { sourceOf, type Workload } from './workload.ts';

const ANSWER_BYTES = 1 << 20;

/** Returns a function that gives the answers by id. With `branches` > 1 the query is a UNION ALL of that many branches. */
export async function askByFunction(
  url: string,
  workload: Workload,
  branches: number,
): Promise<(() => Promise<string[]>) & { close(): Promise<void> }> {
  const mailbox: Mailbox = {
    url,
    state: new Int32Array(new SharedArrayBuffer(8)),
    bytes: new Uint8Array(new SharedArrayBuffer(ANSWER_BYTES)),
  };
  const worker = new Worker(new URL('./udf-dispatcher.js', import.meta.url), {
    workerData: mailbox,
  });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  registerAsk(connection, mailbox);
  await connection.run(`CREATE TABLE source AS ${sourceOf(workload)}`);
  const branch = (where: string) => `SELECT id, ask(question) AS answer FROM source${where}`;
  const sql =
    branches === 1
      ? branch('')
      : Array.from({ length: branches }, (_, at) =>
          branch(` WHERE hash(id) % ${branches} = ${at}`),
        ).join(' UNION ALL ');
  const run = async (): Promise<string[]> => {
    const answers: string[] = [];
    for (const [id, answer] of await (await connection.runAndReadAll(sql)).getRows()) {
      answers[Number(id)] = String(answer);
    }
    return answers;
  };
  return Object.assign(run, {
    async close() {
      connection.closeSync();
      instance.closeSync();
      await worker.terminate();
    },
  });
}

function registerAsk(connection: DuckDBConnection, { state, bytes }: Mailbox): void {
  const ask = (question: string): string => {
    const text = new TextEncoder().encode(question);
    bytes.set(text);
    state[1] = text.length;
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
    Atomics.wait(state, 0, 1);
    const answer = new TextDecoder().decode(bytes.slice(0, state[1]));
    Atomics.store(state, 0, 0);
    Atomics.notify(state, 0);
    return answer;
  };
  registerTextFunction(connection, 'ask', VARCHAR, ask);
}
