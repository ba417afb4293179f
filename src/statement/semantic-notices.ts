/** What a semantic statement tells beside its result. */
import { batchNotice } from '../deliver/batch-notice.ts';
import { endNotices, shadowNotice } from '../deliver/delivered.ts';
import { namesOf } from '../execute/may-write.ts';
import type { Notice } from '../result.ts';
import { pairAdvice } from '../semantic/ask/pair-advice.ts';
import { missingOf } from '../semantic/find-answers.ts';
import type { SemanticQuery } from '../semantic/semantic-query.ts';

/** `isWithheld`: the statement should change data and has changed none. */
export function noticesOf(run: SemanticQuery, isWithheld: boolean): readonly Notice[] {
  const { read, asker, statement, settings, targets } = run;
  const unasked = statement.stop.drained === undefined || isWithheld ? 0 : missingOf(run);
  const failed = read.books.reduce((sum, book) => sum + book.failed, unasked);
  const notices: Notice[] = [
    ...asker.advisories.notices(),
    ...asker.shadowing.map(shadowNotice),
    ...endNotices(statement, isWithheld),
    ...pairNotices(run),
  ];
  if (settings.batch !== undefined) {
    for (const [{ cascade }, models] of asker.bound) {
      notices.push(...batchNotice(cascade, models?.settings));
    }
  }
  if (failed > 0) {
    const [are, count] = failed === 1 ? ['is', 'counts'] : ['are', 'count'];
    const instead = settings.onError.kind === 'default' ? 'the default of on_error' : 'NULL';
    const where =
      targets.length === 0 || isWithheld ? 'the result' : `what ${namesOf(targets)} got`;
    // If some questions were not asked, the total number of questions is unknown, and the message leaves it out.
    const all = unasked > 0 ? '' : ` of ${asker.asked}`;
    const what = `${failed}${all} answers ${are} missing and ${count} as ${instead}`;
    notices.unshift({
      code: 'RVB_ANSWERS_MISSING',
      message: `${what}, so rows can be missing from ${where}, or be in it by mistake; the failures say why`,
    });
  }
  return notices;
}

/** Returns advice for operators that compared pairs if labels would have taken fewer calls; none if no call went out. */
function pairNotices({ asker, statement }: SemanticQuery): readonly Notice[] {
  const { calls, costMicroUsd, uncostedCalls } = statement.ledger.figures;
  if (calls.sent === 0) return [];
  const costed = calls.sent - uncostedCalls;
  const each = costMicroUsd === null || costed <= 0 ? undefined : costMicroUsd / costed;
  return [...asker.compared].map(([{ name }, pairs]) => ({
    code: 'pairs_compared',
    message: pairAdvice(name, pairs, each),
  }));
}
