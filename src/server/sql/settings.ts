/** The settings that a Postgres client may show and set. Those of DuckDB are set in DuckDB. */
import { packageVersion } from '../../util/version.ts';
import { refusal } from './protocol-error.ts';
import { Zone } from './types/zone.ts';

/** The version of PostgreSQL that clients are told. psql 15 asks a server of version 14 for columns that exist here. */
export const SERVER_VERSION = '14.0';

/** The schemas in which names are looked up without SET search_path. */
export const DEFAULT_PATH = '"$user", main';

/** A setting: its first value, and what may be set. */
interface Setting {
  readonly value: string;
  /** True if the client is told of each change, as the protocol has it. */
  readonly isReported?: true;
  /** Returns the value as kept; undefined if the setting cannot have it. */
  readonly accepts?: (value: string) => string | undefined;
}

/** The shortest time between two notices of progress. */
const LEAST_PROGRESS_MS = 1_000;

const FIXED = (fixed: string) => (value: string) =>
  value.toLowerCase() === fixed.toLowerCase() ? fixed : undefined;
const ON_OFF = (value: string) => {
  if (/^(?:on|true|yes|1|t)$/i.test(value)) return 'on';
  return /^(?:off|false|no|0|f)$/i.test(value) ? 'off' : undefined;
};
const DURATION = (value: string) => (durationMs(value) === undefined ? undefined : value);
const NEVER = () => undefined;

/** Every setting of Postgres that this server knows, by its name in small letters. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  application_name: { value: '', isReported: true },
  bytea_output: { value: 'hex', accepts: FIXED('hex') },
  check_function_bodies: { value: 'on', accepts: ON_OFF },
  client_encoding: {
    value: 'UTF8',
    isReported: true,
    accepts: (value) => (/^'?(?:utf-?8|unicode)'?$/i.test(value) ? 'UTF8' : undefined),
  },
  client_min_messages: {
    value: 'notice',
    accepts: (value) =>
      /^(?:debug[1-5]?|log|notice|warning|error)$/i.test(value) ? value.toLowerCase() : undefined,
  },
  datestyle: {
    value: 'ISO, MDY',
    isReported: true,
    accepts: (value) =>
      /\biso\b/i.test(value) || /^\s*(?:mdy|default)\s*$/i.test(value) ? 'ISO, MDY' : undefined,
  },
  default_transaction_deferrable: { value: 'off', accepts: ON_OFF },
  default_transaction_isolation: { value: 'repeatable read', accepts: isolation },
  default_transaction_read_only: { value: 'off', accepts: ON_OFF },
  extra_float_digits: {
    value: '1',
    accepts: (value) => (/^-?\d+$/.test(value) ? value : undefined),
  },
  idle_in_transaction_session_timeout: { value: '0', accepts: DURATION },
  integer_datetimes: { value: 'on', isReported: true, accepts: NEVER },
  intervalstyle: { value: 'postgres', isReported: true, accepts: FIXED('postgres') },
  is_superuser: { value: 'off', isReported: true, accepts: NEVER },
  jit: { value: 'off', accepts: ON_OFF },
  lc_collate: { value: 'C', accepts: NEVER },
  lc_ctype: { value: 'C', accepts: NEVER },
  lc_messages: { value: 'C' },
  lc_monetary: { value: 'C' },
  lc_numeric: { value: 'C' },
  lc_time: { value: 'C' },
  lock_timeout: { value: '0', accepts: DURATION },
  max_index_keys: { value: '32', accepts: NEVER },
  max_identifier_length: { value: '63', accepts: NEVER },
  row_security: { value: 'on', accepts: ON_OFF },
  'rvbbit.progress': {
    value: '5s',
    accepts: (value) => {
      const isOn = ON_OFF(value);
      if (isOn !== undefined) return isOn === 'on' ? '5s' : 'off';
      return (durationMs(value) ?? 0) >= LEAST_PROGRESS_MS ? value : undefined;
    },
  },
  search_path: { value: DEFAULT_PATH },
  server_encoding: { value: 'UTF8', isReported: true, accepts: NEVER },
  server_version: {
    value: `${SERVER_VERSION} (rvbbit ${packageVersion()})`,
    isReported: true,
    accepts: NEVER,
  },
  server_version_num: { value: '140000', accepts: NEVER },
  session_authorization: { value: '', isReported: true, accepts: NEVER },
  standard_conforming_strings: { value: 'on', isReported: true, accepts: FIXED('on') },
  statement_timeout: { value: '0', accepts: DURATION },
  synchronize_seqscans: { value: 'on', accepts: ON_OFF },
  synchronous_commit: { value: 'on', accepts: ON_OFF },
  timezone: { value: 'UTC', isReported: true, accepts: zone },
  transaction_isolation: { value: 'repeatable read', accepts: isolation },
  transaction_read_only: { value: 'off', accepts: ON_OFF },
  xmloption: { value: 'content' },
};

/** Returns the value of a setting without SET; undefined for no setting of Postgres. */
export function firstValue(name: string): string | undefined {
  return Object.hasOwn(SETTINGS, name) ? SETTINGS[name]!.value : undefined;
}

/** The spelling of names that clients are told of and that are not all in small letters. */
const SPELLING: Readonly<Record<string, string>> = {
  datestyle: 'DateStyle',
  intervalstyle: 'IntervalStyle',
  timezone: 'TimeZone',
};

/** Returns a setting's name as Postgres spells it. */
export function spellingOf(name: string): string {
  return SPELLING[name.toLowerCase()] ?? name;
}

/** The most settings of its own that a client may make. */
const MAX_OWN_SETTINGS = 100;

type Values = ReadonlyMap<string, string>;

/** What a connection has set. A transaction goes back to its first state, or on to what it keeps. */
export interface SettingsState {
  readonly values: Values;
  /** The values without those of SET LOCAL. */
  readonly kept: Values;
}

/** The settings of one connection. */
export class Settings {
  #state: SettingsState = { values: new Map(), kept: new Map() };
  readonly #first: ReadonlyMap<string, string>;
  readonly #onReport: (name: string, value: string) => void;

  /** `first`: the values that the client asked for at its start, to which RESET goes back. */
  constructor(first: ReadonlyMap<string, string>, onReport: (name: string, value: string) => void) {
    this.#first = first;
    this.#onReport = onReport;
  }

  /** What is set now. */
  get state(): SettingsState {
    return this.#state;
  }

  /** True if the setting is one of Postgres, or one that the client may make up: `myapp.user`. */
  static has(name: string): boolean {
    return Object.hasOwn(SETTINGS, name.toLowerCase()) || name.includes('.');
  }

  get(name: string): string | undefined {
    const key = name.toLowerCase();
    return this.#state.values.get(key) ?? this.#first.get(key) ?? firstValue(key);
  }

  /** Returns what the client is told at its start. */
  reported(): readonly (readonly [string, string])[] {
    return Object.entries(SETTINGS)
      .filter(([, { isReported }]) => isReported)
      .map(([name]) => [spellingOf(name), this.get(name) ?? '']);
  }

  /** Returns all settings, in alphabetical order. */
  all(): readonly (readonly [string, string])[] {
    return Object.keys(SETTINGS).map((name) => [spellingOf(name), this.get(name) ?? '']);
  }

  /** Sets a setting, undefined to its first value. Throws 22023 for a value that it cannot have. */
  set(name: string, value: string | undefined, isLocal = false): void {
    const key = name.toLowerCase();
    const { values, kept } = this.#state;
    const to = value === undefined ? undefined : accepted(name, value);
    if (
      to !== undefined &&
      !Object.hasOwn(SETTINGS, key) &&
      !values.has(key) &&
      values.size >= MAX_OWN_SETTINGS
    ) {
      throw refusal(
        '53400',
        `this connection has ${MAX_OWN_SETTINGS} settings already, the most that it may have`,
      );
    }
    this.become({
      values: withValue(values, key, to),
      kept: isLocal ? kept : withValue(kept, key, to),
    });
  }

  resetAll(): void {
    this.become({ values: new Map(), kept: new Map() });
  }

  /** Drops the values of SET LOCAL. */
  keep(): void {
    const { kept } = this.#state;
    this.become({ values: kept, kept });
  }

  /** Goes to a state, and tells the client what is new for it. */
  become(state: SettingsState): void {
    const before = this.reported();
    this.#state = state;
    for (const [index, [name, value]] of this.reported().entries()) {
      if (before[index]![1] !== value) this.#onReport(name, value);
    }
  }

  /** The longest time of a statement; 0 for no limit. */
  get statementTimeoutMs(): number {
    return durationMs(this.get('statement_timeout') ?? '0') ?? 0;
  }

  /** The time between two notices of a statement's progress; 0 for none. */
  get progressMs(): number {
    return durationMs(this.get('rvbbit.progress') ?? 'off') ?? 0;
  }

  /** The longest time between two messages in a transaction; 0 for no limit. */
  get idleInTransactionMs(): number {
    return durationMs(this.get('idle_in_transaction_session_timeout') ?? '0') ?? 0;
  }

  /** True if the client wants to be told of what is no error. */
  get wantsNotices(): boolean {
    return !/^(?:warning|error)$/.test(this.get('client_min_messages') ?? '');
  }
}

function withValue(values: Values, key: string, value: string | undefined): Values {
  const changed = new Map(values);
  if (value === undefined) changed.delete(key);
  else changed.set(key, value);
  return changed;
}

/** Returns a value as it is kept. Throws 22023 if the setting cannot have it. */
export function accepted(name: string, value: string): string {
  const setting = SETTINGS[name.toLowerCase()];
  const kept = setting?.accepts === undefined ? value : setting.accepts(value);
  if (kept !== undefined) return kept;
  if (setting?.accepts === NEVER) throw refusal('55P02', `${name} cannot be changed`);
  throw refusal(
    '22023',
    `${name} cannot be ${JSON.stringify(value)} here; it is ${JSON.stringify(setting?.value)}`,
  );
}

/** Returns the milliseconds of a duration such as `500`, `30s` or `5min`; undefined for any other text. */
function durationMs(text: string): number | undefined {
  const match = /^\s*(\d{1,10})\s*(us|ms|s|min|h|d)?\s*$/.exec(text);
  if (match === null) return undefined;
  const each = { us: 0.001, ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 }[
    match[2] ?? 'ms'
  ]!;
  return Math.ceil(Number(match[1]) * each);
}

/**
 * Returns a zone's name. A number is hours to the east. An offset, alone or behind a name, counts to the west, as POSIX has
 * it, and so do the zones called Etc/GMT.
 */
function zone(value: string): string | undefined {
  const [, sign = '', hours, minutes = '0'] =
    /^(?:[a-z]{3,}|<[+\-\w:]+>)?([+-]?)(\d{1,2})(?::(\d\d))?$/i.exec(value) ?? [];
  const isEast = /^[+-]?\d{1,2}(?:\.\d+)?$/.test(value);
  const west = isEast
    ? -Number(value)
    : (Number(hours) + Number(minutes) / 60) * (sign === '-' ? -1 : 1);
  if (Number.isNaN(west)) return namedZone(value);
  if (west === 0) return 'UTC';
  if (Number.isInteger(west)) return namedZone(`Etc/GMT${west > 0 ? '+' : ''}${west}`);
  throw refusal(
    '22023',
    `DuckDB has no time zone with the fixed offset ${JSON.stringify(value)}, only whole hours: name a zone, such as Asia/Kolkata`,
  );
}

function namedZone(name: string): string | undefined {
  try {
    return new Zone(name) && name;
  } catch {
    return undefined;
  }
}

function isolation(value: string): string | undefined {
  const level = value.toLowerCase().replace(/\s+/g, ' ').trim();
  const levels = ['serializable', 'repeatable read', 'read committed', 'read uncommitted'];
  return levels.includes(level) ? level : undefined;
}
