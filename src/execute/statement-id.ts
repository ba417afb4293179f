/** Gives each statement a number of its own. */

/** One counter for all engines of the process: a cancel names only the id, because workers know no engines. */
let lastStatementId = 0;

/** Returns an id that nothing else in the process has. */
export function nextStatementId(): number {
  lastStatementId = (lastStatementId + 1) & 0x7fffffff;
  return lastStatementId;
}
