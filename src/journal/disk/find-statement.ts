/** Finds the statements of a journal folder, and all records of one statement. Reads segments and archives. */
import { messageOf } from '../../errors.ts';
import type { JournalRecord, StatementOpen } from '../records.ts';
import type { Archive } from './archive.ts';
import { type FileSystem, realFileSystem } from './file-system.ts';
import { journalFolder } from './journal-folder.ts';
import { checkRecord } from './record-check.ts';
import type { JournalDamage } from './segment-reader.ts';
import type { StoredRecord } from './stored-record.ts';
import { archiveNames, readSegments } from './survey.ts';

/** A journal folder, and what is needed to read it. */
export interface JournalPlace {
  readonly files: FileSystem;
  readonly folder: string;
  /** Called only if the folder holds Parquet files. */
  readonly openArchive: () => Promise<Archive>;
  readonly onDamage: (damage: JournalDamage) => void;
}

export type OpenedStatement = StatementOpen & JournalRecord;

/** Returns the `statement.open` record of every statement in the folder, the newest first. */
export async function openedStatements(place: JournalPlace): Promise<OpenedStatement[]> {
  const byCaller = new Map<string, OpenedStatement>();
  await visitRecords(place, { column: 't', value: 'statement.open' }, (record) => {
    if (record.t === 'statement.open') byCaller.set(record.caller, record);
  });
  return [...byCaller.values()].sort((a, b) => b.at - a.at);
}

/** Returns all records of the statement with the name `caller`, ordered by `seq`. */
export async function recordsOf(place: JournalPlace, caller: string): Promise<JournalRecord[]> {
  const bySeq = new Map<number, JournalRecord>();
  await visitRecords(place, { column: 'caller', value: caller }, (record) => {
    // Keyed by `seq`, because a segment may still exist beside the archive that holds its records.
    if (record.t !== 'cache.clear' && record.t !== 'answer') {
      bySeq.set(record.seq, record);
    }
  });
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** Calls `visit` with each record of the archives and segments whose `column` equals `value`. */
async function visitRecords(
  { files, folder, openArchive, onDamage }: JournalPlace,
  { column, value }: { readonly column: 't' | 'caller'; readonly value: string },
  visit: (record: StoredRecord) => void,
): Promise<void> {
  const archives = archiveNames(files, folder);
  if (archives.length > 0) {
    const archive = await openArchive();
    try {
      for (const name of archives) {
        const lines = await archive
          .jsonWhere(`${folder}/${name}`, column, value)
          .catch((thrown: unknown) => {
            // An archive that was pruned after it was listed is not damage.
            if (files.exists(`${folder}/${name}`)) {
              onDamage({ archive: name, reason: messageOf(thrown) });
            }
            return [];
          });
        for (const line of lines) {
          const checked = checkRecord(JSON.parse(line));
          if ('record' in checked) visit(checked.record);
        }
      }
    } finally {
      await archive.close();
    }
  }
  const visitLine = ({ record }: { readonly record: StoredRecord }) => {
    if (record[column] === value) visit(record);
  };
  readSegments(files, folder, visitLine, onDamage);
}

/** Returns the custom ids of the requests of batches (`AttemptStart.batch`) whose answers were read. Reads segments alone. */
export function endedRequests(stateDir: string): ReadonlySet<string> {
  const begun = new Map<string, string>();
  const ended = new Set<string>();
  const visit = ({ record }: { readonly record: StoredRecord }) => {
    if (record.t === 'attempt.start' && record.batch !== undefined) {
      begun.set(record.attempt, record.batch);
    } else if (record.t === 'attempt.end') {
      const id = begun.get(record.attempt);
      if (id !== undefined && record.status !== undefined) ended.add(id);
    }
  };
  readSegments(realFileSystem, journalFolder(stateDir), visit, () => {});
  return ended;
}
