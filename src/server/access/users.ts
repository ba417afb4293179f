/** The users of a running server: their verifiers, and what each uses at the moment. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { Purse } from '../../calls/purse.ts';
import { messageOf, RvbbitError } from '../../errors.ts';
import { readUsers, type User, type UserLimits, type UsersContent } from './users-file.ts';
import { mockVerifier, type Verifier } from './verifier.ts';

const SECRET_BYTES = 32;

/** Returns micro-USD that a user has spent on this day. */
export type SpentToday = (user: string) => Promise<number>;

/** Returns who the statements of a user come from, as their receipts have it. */
export function originOf(user: string): string {
  return `sql:${user}`;
}

/** What a login needs. `user` is undefined for a name that is not in the file: the verifier then fits no password. */
export interface Login {
  readonly verifier: Verifier;
  readonly user: User | undefined;
}

/** The users of a file. The file is read again when it has changed; while it is wrong, the users in use stay. */
export class Users {
  readonly #path: string;
  readonly #warn: (message: string) => void;
  readonly #secret = randomBytes(SECRET_BYTES);
  readonly #spentToday: SpentToday;
  readonly #accounts = new Map<string, { limits: UserLimits; account: Promise<UserAccount> }>();
  #content: UsersContent;
  #stamp: string;

  private constructor(
    path: string,
    warn: (message: string) => void,
    spentToday: SpentToday,
    read: { content: UsersContent; stamp: string },
  ) {
    this.#spentToday = spentToday;
    this.#path = path;
    this.#warn = warn;
    this.#content = read.content;
    this.#stamp = read.stamp;
  }

  /** Reads the file. Throws RVB_OPTION_TYPE if it is wrong, or has no user. `warn` is told of a later wrong version. */
  static async open(
    path: string,
    warn: (message: string) => void,
    spentToday: SpentToday = async () => 0,
  ): Promise<Users> {
    const stamp = await stampOf(path);
    const content = await readUsers(path);
    if (content.users.size === 0) {
      throw new RvbbitError(
        'RVB_OPTION_TYPE',
        `the users file ${path} has no user: rvbbit user add NAME --users ${path}`,
        { stage: 'open' },
      );
    }
    return new Users(path, warn, spentToday, { content, stamp });
  }

  /** Returns the user of a name and the verifier to log in with, from the file as it is now. */
  async login(name: string): Promise<Login> {
    await this.#refresh();
    const { users, secret = this.#secret } = this.#content;
    const user = users.get(name);
    // Made for known users too, so that both take the same time.
    const mock = mockVerifier(name, secret);
    return { user, verifier: user?.verifier ?? mock };
  }

  /** Returns what the user uses. All connections of one user share it. */
  accountOf({ name, limits }: User): Promise<UserAccount> {
    const known = this.#accounts.get(name);
    if (known !== undefined && sameLimits(known.limits, limits)) return known.account;
    const account = this.#open(name, limits, known?.account);
    this.#accounts.set(name, { limits, account });
    account.catch(() => this.#accounts.delete(name));
    return account;
  }

  /** Opens the account of a user whose limits are new. What the user has spent on this day stays spent. */
  async #open(
    name: string,
    limits: UserLimits,
    before: Promise<UserAccount> | undefined,
  ): Promise<UserAccount> {
    if (limits.cost_per_day === undefined) return new UserAccount(name, limits);
    const known = (await before?.catch(() => undefined))?.purse?.spent.costMicroUsd;
    return new UserAccount(name, limits, { spent: known ?? (await this.#spentToday(name)) });
  }

  async #refresh(): Promise<void> {
    const stamp = await stampOf(this.#path);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#content = await readUsers(this.#path);
      for (const name of this.#accounts.keys()) {
        if (!this.#content.users.has(name)) this.#accounts.delete(name);
      }
    } catch (thrown) {
      this.#warn(`the users stay as they were: ${messageOf(thrown)}`);
    }
  }
}

/** What one user uses: statements in progress, and the money of the day. */
export class UserAccount {
  readonly limits: UserLimits;
  /** What the user may spend a day: for the option `purse` of the engine's sessions. Undefined without such a limit. */
  readonly purse: Purse | undefined;
  readonly #name: string;
  #running = 0;

  /** `spent`: micro-USD that the user has spent on this day before. */
  constructor(
    name: string,
    limits: UserLimits,
    { spent = 0, now = Date.now }: { spent?: number; now?: () => number } = {},
  ) {
    this.#name = name;
    this.limits = limits;
    const { cost_per_day: dollars } = limits;
    if (dollars !== undefined) {
      const costMicroUsd = Math.round(dollars * 1e6);
      this.purse = new Purse(
        { costMicroUsd },
        { daily: true, spent: { costMicroUsd: spent }, now },
      );
    }
  }

  /** Notes a statement that begins. Returns the function that ends it. Throws RVB_LIMIT if too many are running. */
  beginStatement(): () => void {
    const { statements = Infinity } = this.limits;
    if (this.#running >= statements) {
      throw new RvbbitError(
        'RVB_LIMIT',
        `user ${this.#name} runs ${this.#running} statements, as many as this user may at a time; wait until one ends`,
        { stage: 'open' },
      );
    }
    this.#running += 1;
    let isOver = false;
    return () => {
      if (!isOver) this.#running -= 1;
      isOver = true;
    };
  }
}

/** Changes whenever the file does; '' if there is none. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs}`;
}

function sameLimits(a: UserLimits, b: UserLimits): boolean {
  return a.statements === b.statements && a.rows === b.rows && a.cost_per_day === b.cost_per_day;
}
