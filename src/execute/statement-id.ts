/** Numbers that tell statements apart. */

/** Ids address cancels across all engines of the process: workers know no engines. */
let lastStatementId = 0;

/** An id that nothing else of the process has. */
export function nextStatementId(): number {
  lastStatementId = (lastStatementId + 1) & 0x7fffffff;
  return lastStatementId;
}
