/** Says which cells of a statement with BATCH are asked about one row in a call, and why. */
import type { Cascade } from '../cascade/cascade.ts';
import type { StatementModels } from '../model/chat.ts';
import type { Notice } from '../result.ts';
import { isOneByOne } from '../run/item-batch.ts';

/** Returns a notice if cells of the cascade cannot share calls. The rows get the same answers, one call each. */
export function batchNotice(
  { cells, model: ofCascade }: Cascade,
  models: StatementModels | undefined,
): readonly Notice[] {
  const reasons = cells.flatMap((cell) => {
    if (cell.kind !== 'instructions') return [];
    const target = models?.targets[cell.model ?? ofCascade ?? ''];
    const isOnly = target?.kind === 'provider' && isOneByOne(target.provider);
    const refers = JSON.stringify(cell.outputSchema ?? '').includes('"$ref"');
    const why = isOnly
      ? `its provider is ${target.provider.type}`
      : cell.images !== undefined
        ? 'it has images'
        : cell.takes !== undefined
          ? 'it has takes'
          : refers
            ? 'its schema has $ref'
            : undefined;
    return why === undefined ? [] : [`${cell.name} (${why})`];
  });
  if (reasons.length === 0) return [];
  const message = `one row a call, in spite of BATCH: ${reasons.join(', ')}`;
  return [{ code: 'batch_alone', message }];
}
