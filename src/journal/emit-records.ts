/** Hands the journal's records to the listeners of an engine. */
import type { EventEmitter } from 'node:events';
import { messageOf } from '../errors.ts';
import type { Logger } from '../util/logger.ts';
import type { JournalRecord } from './records.ts';

/**
 * Emits a record as 'record', and under its own `t`. A listener that throws changes nothing of what it hears
 * of; the logger is told of the first.
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
