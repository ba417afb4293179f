/** Reads the receipts of a journal's folder without an engine. */
import type { Parameters } from '../duck/parameters.ts';
import { acquireDatabase } from '../duck/registry.ts';
import { Session } from '../duck/session.ts';
import type { ResultColumn, Row } from '../result.ts';
import { makeViews } from './attach.ts';

/** Runs a SELECT over the views of a journal's folder. */
export async function readReceipts(
  folder: string,
  sql: string,
  parameters?: Parameters,
): Promise<{ readonly columns: readonly ResultColumn[]; readonly rows: readonly Row[] }> {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  try {
    await makeViews(session, folder);
    const reader = await session.run(sql, parameters === undefined ? {} : { parameters });
    return { columns: reader.columns, rows: await reader.rows('json') };
  } finally {
    await session.close();
    await lease.release();
  }
}
