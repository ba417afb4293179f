/** Reads the newest records of a journal folder, up to a number of bytes. EXPLAIN learns from them. */
import { JOURNAL_LINE_BYTES } from '../../limits.ts';
import { type FileSystem, readAt } from './file-system.ts';
import { readSegment } from './segment-reader.ts';
import type { StoredRecord } from './stored-record.ts';
import { segmentNames } from './survey.ts';

const NEWLINE = 10;

/**
 * Calls `visit` with the records in the newest `maxBytes` of the folder's segments, segment by segment, in the order in
 * which they were written. Skips damaged lines. Visits nothing if the folder cannot be read.
 */
export function recentRecords(
  files: FileSystem,
  folder: string,
  maxBytes: number,
  visit: (record: StoredRecord) => void,
): void {
  let left = maxBytes;
  const parts: { readonly name: string; readonly from: number }[] = [];
  try {
    for (const name of segmentNames(files, folder).reverse()) {
      if (left <= 0) break;
      const size = files.facts(`${folder}/${name}`)?.size ?? 0;
      parts.unshift({ name, from: lineStart(files, folder, name, Math.max(0, size - left)) });
      left -= size;
    }
    for (const { name, from } of parts) {
      readSegment(
        files,
        folder,
        name,
        from,
        ({ record }) => visit(record),
        () => {},
      );
    }
  } catch {
    // Another process has removed a segment meanwhile. The records read until then are enough.
  }
}

/** Returns the start of the first line after `from`, or `from` if it is 0 or no newline is found within the limit. */
function lineStart(files: FileSystem, folder: string, name: string, from: number): number {
  if (from === 0) return 0;
  const file = files.openToRead(`${folder}/${name}`);
  try {
    const newline = readAt(files, file, from, JOURNAL_LINE_BYTES).indexOf(NEWLINE);
    return newline < 0 ? from : from + newline + 1;
  } finally {
    files.close(file);
  }
}
