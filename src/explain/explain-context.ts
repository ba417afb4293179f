/** What EXPLAIN has besides the statement: what was learned, and what providers may be asked. */

import type { Statement } from '../execute/statement.ts';
import { journalFolder } from '../journal/disk/journal-folder.ts';
import type { Experience } from '../journal/experience/experience.ts';
import type { ProviderLimits } from '../model/call-limits.ts';
import { EXPERIENCE_READ_BYTES } from './explain-limits.ts';

export interface ExplainContext {
  readonly experience: Experience;
  /** Takes in what earlier processes have left, once. */
  loadExperience(): Promise<void>;
  readonly limitsOf: (provider: string) => ProviderLimits | undefined;
}

export function explainContext({
  experience,
  stateDir,
  openedUs,
  models,
}: Statement): ExplainContext {
  return {
    experience,
    loadExperience: () =>
      experience.load(async () => {
        if (stateDir === undefined) return;
        const { realFileSystem } = await import('../journal/disk/file-system.ts');
        const { recentRecords } = await import('../journal/disk/recent-records.ts');
        recentRecords(realFileSystem, journalFolder(stateDir), EXPERIENCE_READ_BYTES, (record) => {
          // What came since then has been observed as it came.
          if (record.at < openedUs) experience.observe(record);
        });
      }),
    limitsOf: (provider) => models.limitsOf(provider),
  };
}
