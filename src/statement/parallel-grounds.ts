/** Collects what is known of a MAP's calls before the first call, for the choice of n. */

import type { Statement } from '../execute/statement.ts';
import { explainContext } from '../explain/explain-context.ts';
import { EXPECTED_CALL_MS } from '../explain/explain-limits.ts';
import { providerOf } from '../model/chat.ts';
import type { BoundStatement } from '../plan/bind-statement.ts';
import type { ParallelGrounds } from '../plan/choose-parallel.ts';

export async function parallelGrounds(
  { cascade, settings, models }: BoundStatement,
  statement: Statement,
): Promise<ParallelGrounds> {
  const targets = Object.values(models?.settings.targets ?? {});
  const { experience, limitsOf, loadExperience } = explainContext(statement);
  if (targets.length > 0) await loadExperience();
  const limits = targets.flatMap((target) => {
    const own = limitsOf(providerOf(target));
    const ofModel = own?.models?.[target.model];
    return [own, ofModel].filter((one) => one !== undefined);
  });
  const means = targets.flatMap((target) => {
    const calls = experience.callsAt({
      provider: providerOf(target),
      model: target.model,
      cascade: cascade.file,
      // No cell: the figures of the model, because a run may come to any of the cells that ask it.
      cell: '',
    });
    return calls === undefined ? [] : [calls.durationMs.mean];
  });
  return {
    asks: targets.length > 0,
    threads: statement.threads,
    limits: [...limits, ...(settings.limits === undefined ? [] : [settings.limits])],
    callMs: means.length === 0 ? EXPECTED_CALL_MS : Math.max(...means),
    isAssumed: means.length === 0,
  };
}
