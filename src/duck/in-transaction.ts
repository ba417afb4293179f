/** Whether the caller of a session has begun a transaction. */
import type { ResultReader } from './reader.ts';

/** A session, or a connection that is held. */
interface Runner {
  run(sql: string): Promise<ResultReader>;
}

/** Outside of a transaction each statement has an id of its own. */
export async function isInTransaction(runner: Runner): Promise<boolean> {
  const id = async () =>
    (await (await runner.run('SELECT txid_current()')).allColumns('json'))[0]?.[0];
  const before = await id();
  return before === (await id());
}
