/** The sources that EXPLAIN has besides the statement: statistics of earlier calls, and limits of providers. */

import type { Statement } from '../execute/statement.ts';
import { journalFolder } from '../journal/disk/journal-folder.ts';
import type { Experience } from '../journal/experience/experience.ts';
import type { ProviderLimits } from '../model/call-limits.ts';
import { EXPERIENCE_READ_BYTES } from './explain-limits.ts';

export interface ExplainContext {
  readonly experience: Experience;
  /** Reads the records of earlier processes into `experience`, once. */
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
          // Records since then were observed when they were made.
          if (record.at < openedUs) experience.observe(record);
        });
      }),
    limitsOf: (provider) => models.limitsOf(provider),
  };
}
