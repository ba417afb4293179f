/** Reads dates and times of ISO 8601 and checks them against the calendar. Nothing is guessed. */

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?$/;
const ZONE = /(?:Z|[+-](?:0\d|1[0-5])(?::?[0-5]\d)?)$/i;

/** Returns a date such as `2024-02-29`; undefined if the text is no date. */
export function convertDate(text: string): string | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? text : undefined;
}

/** The digits of a second's fraction that most of DuckDB's types keep. */
const MICROSECONDS = 6;

/** Returns `08:30:00` for `08:30`, and `08:30:15.5` as it is. Undefined for other text or more than `digits` digits. */
export function convertTime(text: string, digits: number = MICROSECONDS): string | undefined {
  const match = TIME.exec(text);
  const fraction = match?.[4]?.replace(/0+$/, '') ?? '';
  if (match === null || fraction.length > digits) return undefined;
  // DuckDB requires seconds before a zone.
  return match[3] === undefined ? `${text}:00` : text;
}

/** Returns a time with its zone, Z as `+00`; undefined for other text. */
export function convertZonedTime(text: string): string | undefined {
  const zone = ZONE.exec(text)?.[0];
  const time = zone === undefined ? undefined : convertTime(text.slice(0, -zone.length));
  if (zone === undefined || time === undefined) return undefined;
  return `${time}${zone.toUpperCase() === 'Z' ? '+00' : zone}`;
}

/** The parts of an interval. Each may stand at most once, in this order. */
const INTERVAL_UNITS = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'];
/** The digits of each part. With more digits, an interval could not hold the months or days. */
const INTERVAL_DIGITS = 8;
const INTERVAL_PARTS = INTERVAL_UNITS.map(
  (unit) => `(?:(-?\\d{1,${INTERVAL_DIGITS}}) ${unit}s? ?)?`,
).join('');
const INTERVAL = new RegExp(`^${INTERVAL_PARTS}(-?\\d{2,4}:[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?)?$`);

/** Returns an interval such as `1 year 2 days 03:00:00`; undefined for other text. */
export function convertInterval(text: string): string | undefined {
  return text !== '' && !text.endsWith(' ') && INTERVAL.test(text) ? text : undefined;
}

/**
 * Returns the timestamp of a date, or of a date and a time; undefined for other text. The zone is required with
 * `withZone`, and not allowed without. `digits` are those of the fraction of a second.
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

/** True for a date in a year that 64 bits of nanoseconds hold completely. */
function isNanosecondYear(date: string): boolean {
  const year = Number(date.slice(0, 4));
  return year >= 1678 && year <= 2261;
}
