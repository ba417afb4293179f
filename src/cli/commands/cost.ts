/** `rvbbit cost`: prints what was spent, and what stored answers saved. */
import { readReceipts } from '../../receipts/read-receipts.ts';
import { SPEND_KEYS, type SpendKey, spendSql } from '../../receipts/spend.ts';
import { existingJournal } from '../existing-journal.ts';
import { refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { printRows, type Report } from '../print-rows.ts';
import { say } from '../stderr.ts';

/** Prints one row per value of `--by`. Returns the exit code. */
export async function cost(words: readonly string[], options: CliOptions): Promise<number> {
  refuseWord(words[0], `rvbbit cost [--by ${SPEND_KEYS.join('|')}]`);
  const { columns, rows } = await spendRows(options, options.by as SpendKey | undefined);
  await printRows(columns, rows, options);
  return 0;
}

/** Returns what was spent, with one row per value of `by`. */
export async function spendRows(options: CliOptions, by: SpendKey = 'model'): Promise<Report> {
  const { folder } = existingJournal(options);
  const { columns, rows, notices } = await readReceipts(folder, spendSql(by));
  for (const { message } of notices) say(message);
  return { columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])), rows };
}
