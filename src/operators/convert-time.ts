/** Dates and times as ISO 8601 writes them, checked against the calendar; nothing is guessed. */

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?$/;
const ZONE = /(?:Z|[+-](?:0\d|1[0-5]):?[0-5]\d)$/i;

/** `2024-02-29`, or undefined. */
export function convertDate(text: string): string | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? text : undefined;
}

/** `08:30` and `08:30:15.5`, or undefined. */
export function convertTime(text: string): string | undefined {
  return TIME.test(text) ? text : undefined;
}

/** A date, or a date and a time, with a zone where the type has one and without where it has none. */
export function convertTimestamp(text: string, withZone: boolean): string | undefined {
  const zone = text.length > 10 ? (ZONE.exec(text)?.[0] ?? '') : '';
  const [date = '', time, ...more] = text.slice(0, text.length - zone.length).split(/[T ]/i);
  if (more.length > 0 || convertDate(date) === undefined) return undefined;
  if (time !== undefined && convertTime(time) === undefined) return undefined;
  if (zone !== '' && (!withZone || time === undefined)) return undefined;
  return withZone && zone === '' ? undefined : `${date} ${time ?? '00:00:00'}${zone.toUpperCase()}`;
}
