/** Tells which keys of a MAP are equal for DuckDB, although they are written in different ways. */
import type { Json } from '../util/json.ts';
import type { ColumnType } from './column-type.ts';

const TRAILING_ZEROS = /(?:\.0+|(\.\d*[1-9])0+)(?!\d)/;
const ZONE = /(?:Z|([+-])(\d{2}):?(\d{2})?)$/;
const INTERVAL_PART = /(-?\d+) (year|month|week|day|hour|minute|second)/g;
const INTERVAL_CLOCK = /(-?)(\d+):(\d{2}):(\d{2})(?:\.(\d+))?$/;

const SECOND = 1_000_000n;
const DAY = 86_400n * SECOND;
const DAYS_OF_MONTH = 30n;
/** Of each unit: the months, the days and the microseconds. */
const UNITS: Readonly<Record<string, readonly [bigint, bigint, bigint]>> = {
  year: [12n, 0n, 0n],
  month: [1n, 0n, 0n],
  week: [0n, 7n, 0n],
  day: [0n, 1n, 0n],
  hour: [0n, 0n, 3_600n * SECOND],
  minute: [0n, 0n, 60n * SECOND],
  second: [0n, 0n, SECOND],
};

/** Returns a text that is the same for equal keys. `key` is a value that `convertValue` has returned for the type. */
export function keyIdentity({ name, family }: ColumnType, key: Json): string {
  const text = String(key);
  switch (family) {
    case 'float':
      return String(name === 'FLOAT' ? Math.fround(Number(key)) : key);
    case 'time':
      return withoutZeros(text);
    case 'timetz': {
      const { clock, minutes } = zoned(text);
      return `${clock} ${minutes}`;
    }
    case 'timestamp':
      return ZONE.test(text.slice(10)) ? instantOf(text) : withoutZeros(text);
    case 'interval':
      return intervalIdentity(text);
    default:
      return text;
  }
}

function withoutZeros(text: string): string {
  return text.replace(TRAILING_ZEROS, '$1');
}

/** Splits a text with a zone. `minutes` is the zone's distance from UTC. */
function zoned(text: string): { readonly clock: string; readonly minutes: number } {
  const [zone, sign, hours = '0', minutes = '0'] = ZONE.exec(text)!;
  const distance = Number(hours) * 60 + Number(minutes);
  return {
    clock: withoutZeros(text.slice(0, -zone.length)),
    minutes: sign === '-' ? 0 - distance : distance,
  };
}

/** Returns the seconds since the epoch, and the fraction of a second as written. */
function instantOf(text: string): string {
  const { clock, minutes } = zoned(text);
  const [whole = '', fraction = ''] = clock.split('.');
  return `${Date.parse(`${whole.replace(' ', 'T')}Z`) / 1_000 - minutes * 60} ${fraction}`;
}

/** Carries microseconds into days and days into months, as DuckDB does to compare intervals. */
function intervalIdentity(text: string): string {
  let [months, days, micros] = [0n, 0n, 0n];
  for (const [, count = '0', unit = ''] of text.matchAll(INTERVAL_PART)) {
    const [ofMonths, ofDays, ofMicros] = UNITS[unit]!;
    months += BigInt(count) * ofMonths;
    days += BigInt(count) * ofDays;
    micros += BigInt(count) * ofMicros;
  }
  const clock = INTERVAL_CLOCK.exec(text);
  if (clock !== null) {
    const [, sign, hours = '0', minutes = '0', seconds = '0', fraction = ''] = clock;
    const whole = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
    const sum = whole * SECOND + BigInt(fraction.padEnd(6, '0'));
    micros += sign === '-' ? -sum : sum;
  }
  days += micros / DAY;
  months += days / DAYS_OF_MONTH;
  return `${months} ${days % DAYS_OF_MONTH} ${micros % DAY}`;
}
