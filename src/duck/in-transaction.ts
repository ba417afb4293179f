/** Finds out if the caller of a session has begun a transaction. */
import type { ResultReader } from './reader.ts';

/** A session, or a connection in exclusive use. */
interface Runner {
  run(sql: string): Promise<ResultReader>;
}

/** True inside of a transaction. Outside of a transaction, each statement has a different transaction id. */
export async function isInTransaction(runner: Runner): Promise<boolean> {
  const id = async () =>
    (await (await runner.run('SELECT txid_current()')).allColumns('json'))[0]?.[0];
  const before = await id();
  return before === (await id());
}
