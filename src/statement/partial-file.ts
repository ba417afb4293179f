/** Removes the part of a file that a COPY … TO wrote before its disk was full. DuckDB leaves it if the rows come from a table. */
import { lstat, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf } from '../errors.ts';

/** DuckDB writes a file that replaces another one under this name first. */
const TEMPORARY = /^tmp_/;

/** Does nothing for another error or statement. Only the file that the statement names is removed. */
export async function removePartialFile(text: string, thrown: unknown): Promise<void> {
  const path = /Could not write file "([^"]+)"/.exec(messageOf(thrown))?.[1];
  if (path === undefined || !/^\s*COPY\b/i.test(text)) return;
  if (!text.includes(basename(path).replace(TEMPORARY, ''))) return;
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isFile() === true) await rm(path).catch(() => {});
}
