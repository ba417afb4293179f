/** Reads ages and sizes as the command line writes them. */
import { parseDurationMs } from '../../grammar/duration.ts';
import { CliError } from './exit-codes.ts';

/** Converts an age such as `30d` to ms. A unit is required. Throws a usage error. */
export function readAgeMs(flag: string, text: string): number {
  const ms = /[a-z]\s*$/i.test(text) ? parseDurationMs(text) : undefined;
  if (ms === undefined) {
    throw new CliError('usage', `${flag} takes a time with its unit, not '${text}'`, `${flag} 30d`);
  }
  return ms;
}

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Converts a size such as `1GB` to bytes. A unit is required. Throws a usage error. */
export function readBytes(flag: string, text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text);
  const unit = UNITS[(match?.[2] ?? '').toLowerCase()];
  if (match === null || unit === undefined) {
    throw new CliError('usage', `${flag} takes a size with its unit, not '${text}'`, `${flag} 1GB`);
  }
  return Math.floor(Number(match[1]) * unit);
}
