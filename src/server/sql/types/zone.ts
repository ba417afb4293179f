/** The offset of a time zone at an instant, to print timestamps with a zone as the session's time zone has them. */
const QUARTER_MS = 900_000;
/** The most offsets that one zone keeps. */
const KEPT_OFFSETS = 4_096;

/** A time zone, e.g. `Europe/Berlin`. */
export class Zone {
  readonly #format: Intl.DateTimeFormat | undefined;
  readonly #offsets = new Map<number, number>();

  /** Throws a RangeError if there is no such zone. */
  constructor(name: string) {
    const isUtc = /^(?:(?:Etc\/)?(?:UTC|GMT|Zulu)|UCT)$/i.test(name);
    this.#format = isUtc
      ? undefined
      : new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /** Returns the seconds east of UTC. No offset changes within a quarter of an hour. */
  offsetAt(milliseconds: number): number {
    if (this.#format === undefined || Math.abs(milliseconds) > 8.64e15) return 0;
    const quarter = Math.floor(milliseconds / QUARTER_MS);
    const known = this.#offsets.get(quarter);
    if (known !== undefined) return known;
    const parts = this.#format.formatToParts(quarter * QUARTER_MS);
    const text = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
    const [, sign, hours = '0', minutes = '0', seconds = '0'] =
      /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/.exec(text) ?? [];
    const east = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
    const offset = sign === '-' ? -east : east;
    if (this.#offsets.size >= KEPT_OFFSETS) this.#offsets.clear();
    this.#offsets.set(quarter, offset);
    return offset;
  }
}

/** Returns an offset as Postgres prints it: `+00`, `+05:30`. */
export function offsetText(seconds: number): string {
  const absolute = Math.abs(seconds);
  const part = (value: number) => String(value).padStart(2, '0');
  const hours = part(Math.floor(absolute / 3_600));
  const minutes = Math.floor(absolute / 60) % 60;
  const rest = absolute % 60;
  const tail =
    rest > 0 ? `:${part(minutes)}:${part(rest)}` : minutes > 0 ? `:${part(minutes)}` : '';
  return `${seconds < 0 ? '-' : '+'}${hours}${tail}`;
}
