/** Passes the journal's records to the event listeners of an engine. */
import type { EventEmitter } from 'node:events';
import { messageOf } from '../errors.ts';
import type { Logger } from '../util/logger.ts';
import type { JournalRecord } from './records.ts';

/**
 * Returns a function that emits each record as the event 'record' and as the event named by its `t`. Errors of
 * listeners do not reach the statement: only the first error is logged.
 */
export function recordEmitter(
  events: EventEmitter,
  logger: Logger,
): (record: JournalRecord) => void {
  let hasWarned = false;
  const emit = (name: string, record: JournalRecord): void => {
    try {
      events.emit(name, record);
    } catch (thrown) {
      if (hasWarned) return;
      hasWarned = true;
      const said = messageOf(thrown);
      logger.warn(`a listener of the event ${name} threw, perhaps not once: ${said}`);
    }
  };
  return (record) => {
    emit('record', record);
    emit(record.t, record);
  };
}
