/** Gives names that DuckDB parses as infix operators or functions, and that no other statement of the process uses. */

const DIGITS = ['@', '&', '|', '^'];

/** The numbers in use, and the number of each signature: DuckDB replaces a function only by one with the same types. */
const taken = new Set<number>();
const everTaken = new Set<number>();
const signatures = new Map<string, number>();

/** One name of each kind, held until it is released. */
export interface SymbolNames {
  /** e.g. `~@&~`. */
  readonly infix: string;
  /** e.g. `rvb_call_5`. */
  readonly call: string;
  /** e.g. `rvb_miss_5`: the function that a macro over the other names calls, with codes of its texts. */
  readonly miss: string;
  release(): void;
}

/**
 * Takes the lowest free names that were only ever used for functions of this signature. `once`: takes names that were
 * never used and never will be again, because functions registered in a transaction conflict with those that others
 * register meanwhile.
 */
export function takeSymbol(signature: string, once = false): SymbolNames {
  let kind = signatures.get(signature);
  if (kind === undefined) {
    kind = signatures.size;
    signatures.set(signature, kind);
  }
  for (let slot = 0; ; slot += 1) {
    // Each pair of `slot` and `kind` has a number of its own (Cantor's pairing).
    const number = ((slot + kind) * (slot + kind + 1)) / 2 + kind;
    if (taken.has(number) || (once && everTaken.has(number))) continue;
    taken.add(number);
    everTaken.add(number);
    const release = once ? () => {} : () => void taken.delete(number);
    return { ...symbolNames(number), release };
  }
}

/** The names for a number: distinct for distinct numbers, and none is one of DuckDB's operators. */
export function symbolNames(number: number): Omit<SymbolNames, 'release'> {
  let digits = '';
  for (let rest = number; ; rest = Math.floor(rest / DIGITS.length) - 1) {
    digits = DIGITS[rest % DIGITS.length] + digits;
    if (rest < DIGITS.length) break;
  }
  return { infix: `~${digits}~`, call: `rvb_call_${number}`, miss: `rvb_miss_${number}` };
}
