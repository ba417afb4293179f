/** The binary format of numeric: groups of four decimal digits, with a weight, a sign and a scale. */

import type { MessageWriter } from '../protocol/write-messages.ts';
import { refusal } from '../protocol-error.ts';

const NEGATIVE = 0x4000;
const NOT_A_NUMBER = 0xc000;
/** The most digits before and behind the point. A double has at most 309, and a DECIMAL has 38. */
const MAX_DIGITS = 400;
/** The signs of the values that have no digits. */
const SPECIAL: ReadonlyMap<number, string> = new Map([
  [NOT_A_NUMBER, 'NaN'],
  [0xd000, 'Infinity'],
  [0xf000, '-Infinity'],
]);

/** A decimal number: its digits without leading zeros, of which `scale` stand behind the point. */
export interface Decimal {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly scale: number;
}

/** Reads a decimal number with or without an exponent; undefined for any other text, and for one with too many digits. */
export function readDecimal(text: string): Decimal | undefined {
  const match = /^\s*([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?\s*$/i.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const scale = fraction.length - Number(exponent);
  if (Math.abs(scale) > MAX_DIGITS || whole.length > MAX_DIGITS) return undefined;
  const digits = `${whole}${fraction}${'0'.repeat(Math.max(0, -scale))}`.replace(/^0+/, '');
  return { isNegative: sign === '-', digits, scale: Math.max(0, scale) };
}

/** Writes a number, given as text, e.g. `-12.50` or `1e+300`. */
export function writeNumeric(text: string, out: MessageWriter): void {
  const decimal = readDecimal(text);
  if (decimal === undefined) {
    const sign = [...SPECIAL].find(([, name]) => name === text)?.[0] ?? NOT_A_NUMBER;
    out.int16(0).int16(0).int16(sign).int16(0);
    return;
  }
  const { isNegative, scale } = decimal;
  const all = decimal.digits.padStart(scale, '0');
  const whole = all.slice(0, all.length - scale);
  const fraction = all.slice(all.length - scale);
  const padded = whole.padStart(Math.ceil(whole.length / 4) * 4, '0');
  const digits = padded + fraction.padEnd(Math.ceil(scale / 4) * 4, '0');
  const groups = Array.from({ length: digits.length / 4 }, (_, index) =>
    Number(digits.slice(index * 4, index * 4 + 4)),
  );
  let weight = padded.length / 4 - 1;
  while (groups[0] === 0) {
    groups.shift();
    weight -= 1;
  }
  while (groups.at(-1) === 0) groups.pop();
  const isZero = groups.length === 0;
  out.int16(groups.length).int16(isZero ? 0 : weight);
  out.int16(isNegative && !isZero ? NEGATIVE : 0).int16(scale);
  for (const group of groups) out.int16(group);
}

/** Reads a numeric to its text. */
export function readNumeric(bytes: Buffer): string {
  if (bytes.length < 8 || bytes.length !== 8 + 2 * bytes.readUInt16BE(0)) {
    throw refusal(
      '22P03',
      `a numeric parameter has ${bytes.length} bytes, which do not fit its digits`,
    );
  }
  const weight = bytes.readInt16BE(2);
  const sign = bytes.readUInt16BE(4);
  const special = SPECIAL.get(sign);
  if (special !== undefined) return special;
  const scale = bytes.readUInt16BE(6) & 0x3fff;
  if (weight * 4 > MAX_DIGITS || scale > MAX_DIGITS) {
    throw refusal('22003', `a numeric parameter has more than ${MAX_DIGITS} digits`);
  }
  const group = (position: number) => {
    const index = weight - position;
    const at = 8 + 2 * index;
    const digits = index >= 0 && at < bytes.length ? bytes.readUInt16BE(at) : 0;
    return String(digits).padStart(4, '0');
  };
  let whole = '';
  for (let position = Math.max(weight, 0); position >= 0; position -= 1) whole += group(position);
  let fraction = '';
  for (let position = -1; fraction.length < scale; position -= 1) fraction += group(position);
  const text = whole.replace(/^0+(?=\d)/, '');
  return `${sign === NEGATIVE ? '-' : ''}${text}${scale > 0 ? `.${fraction.slice(0, scale)}` : ''}`;
}
