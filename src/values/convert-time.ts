/** Dates and times as ISO 8601 writes them, checked against the calendar; nothing is guessed. */

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?$/;
const ZONE = /(?:Z|[+-](?:0\d|1[0-5])(?::?[0-5]\d)?)$/i;

/** `2024-02-29`, or undefined. */
export function convertDate(text: string): string | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? text : undefined;
}

/** Digits of a second's fraction that DuckDB's types keep, but for those that say otherwise. */
const MICROSECONDS = 6;

/** `08:30:00` of `08:30`, `08:30:15.5`, or undefined: also where the fraction has more than `digits`. */
export function convertTime(text: string, digits: number = MICROSECONDS): string | undefined {
  const match = TIME.exec(text);
  const fraction = match?.[4]?.replace(/0+$/, '') ?? '';
  if (match === null || fraction.length > digits) return undefined;
  // DuckDB wants seconds before a zone.
  return match[3] === undefined ? `${text}:00` : text;
}

/** A time and its zone, which may be Z. */
export function convertZonedTime(text: string): string | undefined {
  const zone = ZONE.exec(text)?.[0];
  const time = zone === undefined ? undefined : convertTime(text.slice(0, -zone.length));
  if (zone === undefined || time === undefined) return undefined;
  return `${time}${zone.toUpperCase() === 'Z' ? '+00' : zone}`;
}

/** Parts of an interval, each at most once and in this order. */
const INTERVAL_UNITS = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'];
/** Of more digits the months or days of an interval may be more than it holds. */
const INTERVAL_DIGITS = 8;
const INTERVAL_PARTS = INTERVAL_UNITS.map(
  (unit) => `(?:(-?\\d{1,${INTERVAL_DIGITS}}) ${unit}s? ?)?`,
).join('');
const INTERVAL = new RegExp(`^${INTERVAL_PARTS}(-?\\d{2,4}:[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?)?$`);

/** `1 year 2 days 03:00:00`, or undefined. */
export function convertInterval(text: string): string | undefined {
  return text !== '' && !text.endsWith(' ') && INTERVAL.test(text) ? text : undefined;
}

/**
 * A date, or a date and a time, with a zone where the type has one and without where it has none. `digits`: of the
 * fraction of a second.
 */
export function convertTimestamp(
  text: string,
  withZone: boolean,
  digits: number = MICROSECONDS,
): string | undefined {
  const zone = text.length > 10 ? (ZONE.exec(text)?.[0] ?? '') : '';
  const [date = '', time, ...more] = text.slice(0, text.length - zone.length).split(/[T ]/i);
  if (more.length > 0 || convertDate(date) === undefined) return undefined;
  const clock = time === undefined ? '00:00:00' : convertTime(time, digits);
  if (clock === undefined || (digits > MICROSECONDS && !isNanosecondYear(date))) return undefined;
  if (zone !== '' && (!withZone || time === undefined)) return undefined;
  return withZone && zone === '' ? undefined : `${date} ${clock}${zone.toUpperCase()}`;
}

/** Whole years that 64 bits of nanoseconds hold. */
function isNanosecondYear(date: string): boolean {
  const year = Number(date.slice(0, 4));
  return year >= 1678 && year <= 2261;
}
