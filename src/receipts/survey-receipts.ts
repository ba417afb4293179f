/** Finds what the receipts can be read from, and what is damaged there, by the same checks as `rvbbit journal verify`. */
import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { messageOf } from '../errors.ts';
import { Archive } from '../journal/disk/archive.ts';
import { type FileFacts, readAt, realFileSystem, unlessGone } from '../journal/disk/file-system.ts';
import { type JournalDamage, readSegment } from '../journal/disk/segment-reader.ts';
import { archiveNames, segmentNames } from '../journal/disk/survey.ts';
import type { Notice } from '../result.ts';

/** The most files whose check is remembered. */
const MAX_CHECKED = 20_000;
/** After so many bytes other work gets a turn. */
const TURN_BYTES = 8 * 1024 * 1024;
/** A segment with more damaged lines is left out as a whole: the view names each of them. */
const MAX_DAMAGED_LINES = 10_000;

/** A line to leave out, by the MD5 hash of its bytes. */
export interface DamagedLine {
  readonly segment: string;
  readonly md5: string;
}

/** The readable files of a journal's folder, the lines to leave out, and all damage. */
export interface ReceiptFiles {
  readonly segments: readonly string[];
  readonly archives: readonly string[];
  readonly lines: readonly DamagedLine[];
  readonly damage: readonly JournalDamage[];
}

/** The check of a file that had these facts. A segment was read up to `end`. */
interface Checked extends FileFacts {
  readonly end: number;
  readonly lines: readonly DamagedLine[];
  readonly damage: readonly JournalDamage[];
}

/** By path. A file that has not changed is not read again, and of one that has grown only what is new. */
const checked = new LRUCache<string, Checked>({ max: MAX_CHECKED });

/** Reads the files of a folder that are new or have changed. */
export async function surveyReceipts(folder: string): Promise<ReceiptFiles> {
  const found: Checked[] = [];
  const segments: string[] = [];
  const archives: string[] = [];
  let unturned = 0;
  for (const name of segmentNames(realFileSystem, folder)) {
    const known = checked.get(`${folder}/${name}`)?.size ?? 0;
    const check = unlessGone(() => checkSegment(folder, name));
    if (check === undefined) continue;
    found.push(check);
    if (check.lines.length <= MAX_DAMAGED_LINES && check.end >= 0) segments.push(name);
    unturned += Math.max(0, check.size - known);
    if (unturned > TURN_BYTES) await turn();
    if (unturned > TURN_BYTES) unturned = 0;
  }
  for (const [name, check] of await checkArchives(folder)) {
    found.push(check);
    if (check.damage.length === 0) archives.push(name);
  }
  const readable = new Set(segments);
  return {
    segments,
    archives,
    lines: found.flatMap(({ lines }) => lines).filter(({ segment }) => readable.has(segment)),
    damage: found.flatMap(({ damage }) => damage),
  };
}

/** Returns the notice that damage was left out; none without damage. */
export function damageNotices({ damage }: ReceiptFiles): readonly Notice[] {
  if (damage.length === 0) return [];
  const [record, is] = damage.length === 1 ? ['record or file', 'is'] : ['records or files', 'are'];
  const message = `${damage.length} damaged ${record} of the journal ${is} left out; rvbbit journal verify names them`;
  return [{ code: 'receipts_damaged', message }];
}

function checkSegment(folder: string, name: string): Checked | undefined {
  const path = `${folder}/${name}`;
  const facts = realFileSystem.facts(path);
  if (facts === undefined) return undefined;
  const known = checked.get(path);
  if (known !== undefined && isSame(known, facts)) return known;
  const before =
    known !== undefined && facts.size > known.size && known.end >= 0 ? known : undefined;
  const damage: JournalDamage[] = [...(before?.damage ?? [])];
  const lines: DamagedLine[] = [...(before?.lines ?? [])];
  const places: { readonly offset: number; readonly length: number }[] = [];
  const read = readSegment(
    realFileSystem,
    folder,
    name,
    before?.end ?? 0,
    () => {},
    (one) => {
      damage.push(one);
      places.push(one);
    },
  );
  const file = realFileSystem.openToRead(path);
  try {
    for (const { offset, length } of places) {
      const md5 = createHash('md5')
        .update(readAt(realFileSystem, file, offset, length))
        .digest('hex');
      lines.push({ segment: name, md5 });
    }
  } finally {
    realFileSystem.close(file);
  }
  const check: Checked = { ...facts, end: read.end, lines, damage };
  checked.set(path, check);
  return check;
}

async function checkArchives(folder: string): Promise<readonly (readonly [string, Checked])[]> {
  const found: (readonly [string, Checked])[] = [];
  let archive: Archive | undefined;
  try {
    for (const name of archiveNames(realFileSystem, folder)) {
      const path = `${folder}/${name}`;
      const facts = realFileSystem.facts(path);
      if (facts === undefined) continue;
      const known = checked.get(path);
      if (known !== undefined && isSame(known, facts)) {
        found.push([name, known]);
        continue;
      }
      archive ??= await Archive.open();
      const damage = await archive.check(path).then(
        () => [],
        (thrown: unknown) => [{ archive: name, reason: messageOf(thrown) }],
      );
      if (!realFileSystem.exists(path)) continue;
      const check: Checked = { ...facts, end: 0, lines: [], damage };
      checked.set(path, check);
      found.push([name, check]);
    }
    return found;
  } finally {
    await archive?.close();
  }
}

function isSame(a: FileFacts, b: FileFacts): boolean {
  return a.size === b.size && a.modifiedMs === b.modifiedMs;
}
