/** Opens a database whose instance itself can do no more than read: a second wall behind read-only sessions. */
import type { DuckDBInstance } from '@duckdb/node-api';
import { loadNodeApi, nodeApi } from './node-api.ts';
import { toSqlError } from './sql-error.ts';

/** Files, extensions and changes of settings are off. */
const LOCKED = {
  enable_external_access: 'false',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  lock_configuration: 'true',
};

/**
 * Opens a database that exists, or one in memory. Several processes may have a file open in this way at the same time,
 * as long as none writes to it. The caller closes the instance. Throws RVB_SQL.
 */
export async function openLocked(database: string): Promise<DuckDBInstance> {
  await loadNodeApi();
  const isFile = database !== '' && database !== ':memory:';
  try {
    return await nodeApi().DuckDBInstance.create(database, {
      ...LOCKED,
      ...(isFile ? { access_mode: 'READ_ONLY' } : {}),
    });
  } catch (thrown) {
    throw toSqlError(thrown, '', { stage: 'open' });
  }
}
