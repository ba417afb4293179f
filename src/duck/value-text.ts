/** Prints dates and timestamps as DuckDB's `CAST(x AS VARCHAR)` does, but zoned timestamps always in UTC. */

const MICROS_PER_DAY = 86_400_000_000n;
const INFINITE = 9_223_372_036_854_775_807n;
const INFINITE_DAYS = 2_147_483_647;

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/** Returns the text of a date, given in days since 1970-01-01: e.g. `2024-02-29`, `0044-03-15 (BC)`, `infinity`. */
export function dateText(days: number): string {
  if (days === INFINITE_DAYS) return 'infinity';
  if (days === -INFINITE_DAYS) return '-infinity';
  // Converts days to year, month and day of the proleptic Gregorian calendar, by eras of 400 years. A JavaScript Date
  // has a smaller range than DuckDB's dates.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const shownYear = pad(year > 0 ? year : 1 - year, 4);
  return `${shownYear}-${pad(month, 2)}-${pad(day, 2)}${year > 0 ? '' : ' (BC)'}`;
}

/** The unit of a timestamp type, in ticks per second. */
export type TimestampUnit = 1n | 1_000n | 1_000_000n | 1_000_000_000n;

/** Returns the text of a timestamp, given in ticks since 1970: e.g. `2024-02-29 12:00:00.5`, `infinity`. */
export function timestampText(ticks: bigint, unit: TimestampUnit, zone = ''): string {
  if (ticks === INFINITE) return 'infinity';
  if (ticks === -INFINITE) return '-infinity';
  const perDay = (MICROS_PER_DAY / 1_000_000n) * unit;
  let days = ticks / perDay;
  let rest = ticks % perDay;
  if (rest < 0n) {
    days -= 1n;
    rest += perDay;
  }
  const seconds = Number(rest / unit);
  const fraction = fractionText(Number(rest % unit), unit);
  const clock = `${pad(Math.floor(seconds / 3_600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return `${dateText(Number(days))} ${clock}${fraction}${zone}`;
}

function fractionText(part: number, unit: TimestampUnit): string {
  if (part === 0) return '';
  return `.${pad(part, String(unit).length - 1).replace(/0+$/, '')}`;
}

/** True if the ticks of a timestamp mean plus or minus infinity. */
export function isInfinite(ticks: bigint): boolean {
  return ticks === INFINITE || ticks === -INFINITE;
}
