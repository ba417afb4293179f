/**
 * Writes answers to a journal as a process of its own: `node writer-child.js <state folder> <first> <count>`.
 * Says `held <n>` on stdout when answer n is committed, and `failed <code>` when the journal has failed.
 */
import { writeSync } from 'node:fs';
import type { RvbbitError } from '../../src/errors.ts';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { answered, keyOf, started } from './support.ts';

const [, , stateDir = '', first = '0', count = '0'] = process.argv;
const journal = await DiskJournal.open(stateDir, { segmentMaxBytes: 64 * 1024 });
try {
  for (let n = Number(first); n < Number(first) + Number(count); n += 4) {
    for (let each = n; each < n + 4; each += 1) {
      journal.append(started(each, keyOf(each)));
      journal.writeNow();
      journal.append(answered(each, keyOf(each), `text ${each}`));
    }
    await journal.commit();
    // At once: what stands in a buffer of this process would be lost with it.
    writeSync(1, [n, n + 1, n + 2, n + 3].map((each) => `held ${each}\n`).join(''));
  }
  await journal.close();
} catch (thrown) {
  writeSync(1, `failed ${(thrown as RvbbitError).code}\n`);
  await journal.close().catch(() => undefined);
}
