/** Whether the caller of a session has begun a transaction. */
import type { Session } from './session.ts';

/** Outside of a transaction each statement has an id of its own. */
export async function isInTransaction(session: Session): Promise<boolean> {
  const id = async () =>
    (await (await session.run('SELECT txid_current()')).allColumns('json'))[0]?.[0];
  const before = await id();
  return before === (await id());
}
