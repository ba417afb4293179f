/** A statement whose workers ask nothing of the main thread. */
import type { Cascade } from '../../src/cascade/cascade.ts';
import type { StatementHost } from '../../src/execute/dispatcher.ts';

export function silentHost(statementId: number, cascade: Cascade): StatementHost {
  return {
    statementId,
    cascade,
    runSql: () => Promise.reject(new Error('it has no SQL cell')),
    chat: () => Promise.reject(new Error('it asks no model')),
    decide: () => Promise.reject(new Error('it asks no model')),
    find: () => [],
    waitsForPermit: () => false,
    writeStarts: () => undefined,
    attemptsEnded: () => {},
    threadLost: () => {},
  };
}
