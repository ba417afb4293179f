/** Reads the receipts of a journal's folder without an engine. */
import type { Parameters } from '../duck/parameters.ts';
import { acquireDatabase } from '../duck/registry.ts';
import { Session } from '../duck/session.ts';
import type { Notice, ResultColumn, Row } from '../result.ts';
import { makeViews, whileFilesGo } from './attach.ts';

/** The rows of a SELECT over the receipts, and the notice of damage that they leave out. */
export interface Receipts {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly Row[];
  readonly notices: readonly Notice[];
}

/** Runs a SELECT over the views of a journal's folder. */
export async function readReceipts(
  folder: string,
  sql: string,
  parameters?: Parameters,
): Promise<Receipts> {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  try {
    return await whileFilesGo(async () => {
      const notices = await makeViews(session, folder);
      const reader = await session.run(sql, parameters === undefined ? {} : { parameters });
      return { columns: reader.columns, rows: await reader.rows('json'), notices };
    });
  } finally {
    await session.close();
    await lease.release();
  }
}
