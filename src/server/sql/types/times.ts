/** Dates, times and intervals: from the text of DuckDB or of a client to the numbers of the binary format, and back. */
import { dateText, timestampText } from '../../../duck/value-text.ts';

/** Days from 1970, where DuckDB's dates begin, to 2000, where those of Postgres begin. */
export const EPOCH_DAYS = 10_957;
const MICROS_PER_SECOND = 1_000_000n;
const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND;
/** Microseconds from 1970 to 2000. */
export const EPOCH_MICROS: bigint = BigInt(EPOCH_DAYS) * MICROS_PER_DAY;
/** The int64 that means infinity in Postgres; minus infinity is one less than its negative. */
export const INFINITY_MICROS = 2n ** 63n - 1n;
export const INFINITY_DAYS = 2 ** 31 - 1;

const DATE = /^\s*(\d{1,7})-(\d{1,2})-(\d{1,2})( \(BC\))?/;
const CLOCK = /^\s*(-?)(\d+):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?/;
const ZONE = /^\s*(?:(Z)|([+-])(\d{1,2}):?(\d{2})?:?(\d{2})?)/i;

/** A timestamp or time in microseconds, with the zone that its text names, in seconds east of UTC. */
export interface Clocked {
  readonly micros: bigint;
  readonly zone: number | undefined;
}

/** Returns the days since 1970 of an ISO date; undefined for any other text. `rest` is what stands behind it. */
export function readDate(
  text: string,
): { readonly days: number; readonly rest: string } | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [all, year = '', month = '', day = '', era] = match;
  const isBefore = era !== undefined || /\sBC\s*$/i.test(text);
  const days = daysOf(isBefore ? 1 - Number(year) : Number(year), Number(month), Number(day));
  if (days === undefined) return undefined;
  return { days, rest: text.slice(all.length).replace(/\sBC\s*$/i, '') };
}

/** Returns microseconds since 1970 of an ISO timestamp; undefined for any other text. A date alone is its midnight. */
export function readTimestamp(text: string): Clocked | undefined {
  const date = readDate(text);
  if (date === undefined) return undefined;
  const start = BigInt(date.days) * MICROS_PER_DAY;
  const rest = date.rest.replace(/^T/i, '');
  if (rest.trim() === '') return { micros: start, zone: undefined };
  const clock = readClock(rest);
  return clock && { ...clock, micros: start + clock.micros };
}

/** Returns microseconds of a time of day, or of the time in an interval; undefined for any other text. */
export function readClock(text: string): Clocked | undefined {
  const match = CLOCK.exec(text);
  if (match === null) return undefined;
  const [all, sign, hours = '', minutes = '', seconds = '0', fraction = ''] = match;
  const whole = BigInt(hours) * 3_600n + BigInt(minutes) * 60n + BigInt(seconds);
  const micros = whole * MICROS_PER_SECOND + BigInt(fraction.padEnd(6, '0').slice(0, 6));
  const rest = text.slice(all.length);
  if (rest.trim() === '') return { micros: sign === '-' ? -micros : micros, zone: undefined };
  const zone = ZONE.exec(rest);
  if (zone === null || zone[0].length !== rest.trimEnd().length) return undefined;
  const [, , direction, zoneHours = '0', zoneMinutes = '0', zoneSeconds = '0'] = zone;
  const east = Number(zoneHours) * 3_600 + Number(zoneMinutes) * 60 + Number(zoneSeconds);
  return { micros: sign === '-' ? -micros : micros, zone: direction === '-' ? -east : east };
}

/** The parts of an interval. */
export interface IntervalParts {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
}

/** The months, days and microseconds of the units that interval texts of DuckDB and of clients use. */
const UNITS: Readonly<Record<string, readonly [months: number, days: number, micros: bigint]>> = {
  year: [12, 0, 0n],
  month: [1, 0, 0n],
  mon: [1, 0, 0n],
  week: [0, 7, 0n],
  day: [0, 1, 0n],
  hour: [0, 0, 3_600n * MICROS_PER_SECOND],
  minute: [0, 0, 60n * MICROS_PER_SECOND],
  min: [0, 0, 60n * MICROS_PER_SECOND],
  second: [0, 0, MICROS_PER_SECOND],
  sec: [0, 0, MICROS_PER_SECOND],
};

/** Returns the parts of an interval such as `1 year -2 days 04:05:06.5`; undefined for any other text. */
export function readInterval(text: string): IntervalParts | undefined {
  let rest = text.trim().replace(/^@\s*/, '');
  if (rest === '') return undefined;
  let months = 0;
  let days = 0;
  let micros = 0n;
  while (rest !== '') {
    const unit = /^([+-]?\d{1,15})(?:\.(\d{1,6}))?\s*([a-z]+?)s?(?:\s+|$)/i.exec(rest);
    if (unit === null) {
      const clock = /^\+?(\S+)$/.exec(rest)?.[1];
      const last = clock === undefined ? undefined : readClock(clock);
      if (last === undefined || last.zone !== undefined) return undefined;
      return { months, days, micros: micros + last.micros };
    }
    const [all, count = '', fraction, name = ''] = unit;
    const each = UNITS[name.toLowerCase()];
    // DuckDB and Postgres divide a part of a month differently, so such a text is left to DuckDB.
    if (each === undefined || (fraction !== undefined && each[2] === 0n)) return undefined;
    months += Number(count) * each[0];
    days += Number(count) * each[1];
    const part = (BigInt((fraction ?? '').padEnd(6, '0')) * each[2]) / MICROS_PER_SECOND;
    micros += BigInt(count) * each[2] + (count.startsWith('-') ? -part : part);
    rest = rest.slice(all.length);
  }
  return { months, days, micros };
}

/** Returns a time of day as text. */
export function clockText(micros: bigint): string {
  return micros === MICROS_PER_DAY
    ? '24:00:00'
    : timestampText(micros, MICROS_PER_SECOND).slice(11);
}

/** Returns a text in DuckDB's spelling of years before 1 as Postgres spells it: `0044-03-15 BC`. */
export function pgEra(text: string): string {
  return text.includes('(BC)') ? `${text.replace(' (BC)', '')} BC` : text;
}

/** Returns days since 2000 as an ISO date in Postgres's spelling. */
export function pgDateText(days: number): string {
  if (days === INFINITY_DAYS) return 'infinity';
  return days === -INFINITY_DAYS - 1 ? '-infinity' : pgEra(dateText(days + EPOCH_DAYS));
}

/** Returns microseconds since 2000 as an ISO timestamp in Postgres's spelling. */
export function pgTimestampText(micros: bigint, zone = ''): string {
  if (micros === INFINITY_MICROS) return 'infinity';
  if (micros === -INFINITY_MICROS - 1n) return '-infinity';
  return pgEra(timestampText(micros + EPOCH_MICROS, MICROS_PER_SECOND, zone));
}

/** Returns the days from 1970 to a day of the proleptic Gregorian calendar; undefined if there is no such day. */
function daysOf(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  // Counts in years that begin in March and eras of 400 years.
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
