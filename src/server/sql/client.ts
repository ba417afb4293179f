/** The state of one client: its engine session, its settings, its transaction, and what it has prepared and opened. */
import { LRUCache } from 'lru-cache';
import type { EngineSession } from '../../engine-session.ts';
import { RvbbitError } from '../../errors.ts';
import type { Notice, StatementDescription } from '../../result.ts';
import { originOf, type UserAccount } from '../access/users.ts';
import type { ListedFunction } from './catalogue/definitions.ts';
import type { Command } from './command.ts';
import { MAX_NAMED, Named } from './named.ts';
import type { Portal } from './portal.ts';
import type { TransactionStatus } from './protocol/write-messages.ts';
import { refusal, unsupported } from './protocol-error.ts';
import { FIRST_ZONE, setSearchPath, setTimeZone } from './session-settings.ts';
import { accepted, DEFAULT_PATH, type Settings, type SettingsState } from './settings.ts';
import { Zone } from './types/zone.ts';

/** The statements whose description is kept: a client that prepares a statement anew each time need not wait for it. */
const MAX_DESCRIPTIONS = 200;
/** The most characters, in all, of their texts. */
const DESCRIPTIONS_CHARS = 1_000_000;

/** A prepared statement. */
export interface Prepared {
  readonly text: string;
  /** The command; undefined for a text without a statement. */
  readonly command: Command | undefined;
  /** The OIDs that the client declared; 0 for none. */
  readonly types: readonly number[];
}

/** What a client is told of a statement that is no error. */
export type Tell = (
  notice: Notice | { readonly code: string; readonly message: string },
  severity?: 'NOTICE' | 'WARNING',
) => void;

interface Savepoint {
  readonly name: string;
  /** The number of changes when it was made. */
  readonly changes: number;
  readonly settings: SettingsState;
}

/** The facts and functions that a client is made of. */
export interface ClientParts {
  readonly database: string;
  readonly user: string;
  /** True if the session only reads. */
  readonly isReadOnly: boolean;
  /** What the user uses; undefined on a server without users. */
  readonly account?: UserAccount | undefined;
  readonly processId: number;
  readonly settings: Settings;
  readonly openSession: () => Promise<EngineSession>;
  /** Runs what a catalogue statement needs, once for an engine. */
  readonly prepare: (setup: readonly string[]) => Promise<void>;
  /** The cascades and operators, which tools list as functions. The same list for all clients of an engine. */
  readonly functions: () => Promise<readonly ListedFunction[]>;
  /** Counts the statements that may have changed the tables of the database, for all of its clients. */
  readonly schema: { version: number };
  readonly tell: Tell;
}

export class Client {
  readonly parts: ClientParts;
  readonly prepared = new Named<Prepared>('prepared statement', '26000');
  readonly portals = new Named<Portal>('portal', '34000');
  #descriptions: LRUCache<string, Promise<StatementDescription>> | undefined;
  #status: TransactionStatus = 'I';
  /** True while the open transaction is one that the server began around several statements. */
  #isImplicit = false;
  #savepoints: Savepoint[] = [];
  /** The statements of the transaction that may have changed data, and all of its statements. */
  #changes = 0;
  #statements = 0;
  #session: Promise<EngineSession> | undefined;
  /** The settings when the transaction began. */
  #atBegin: SettingsState;
  /** The settings that DuckDB has: those of a new connection. */
  #applied = { zone: FIRST_ZONE, path: DEFAULT_PATH };
  #zone = new Zone('UTC');
  #zoneName = 'UTC';

  constructor(parts: ClientParts) {
    this.parts = parts;
    this.#atBegin = parts.settings.state;
  }

  get settings(): Settings {
    return this.parts.settings;
  }

  /** The descriptions of statements, by the version of the schema, declared types and text. */
  get descriptions(): LRUCache<string, Promise<StatementDescription>> {
    this.#descriptions ??= new LRUCache({
      max: MAX_DESCRIPTIONS,
      maxSize: DESCRIPTIONS_CHARS,
      sizeCalculation: (_, key) => key.length,
    });
    return this.#descriptions;
  }

  /** The status that the client sees: a transaction that the server began for it is none. */
  get status(): TransactionStatus {
    return this.#isImplicit ? 'I' : this.#status;
  }

  /** True in a transaction that the client began. */
  get inTransaction(): boolean {
    return this.#status !== 'I' && !this.#isImplicit;
  }

  /** Who its statements come from, for their receipts. */
  get origin(): string {
    return originOf(this.parts.user);
  }

  /** The engine session. It is opened by the first statement that needs it. */
  session(): Promise<EngineSession> {
    this.#session ??= this.#open();
    return this.#session;
  }

  /** The time zone in which timestamps with a zone are printed. */
  get zone(): Zone {
    const name = this.settings.get('timezone') ?? 'UTC';
    if (name !== this.#zoneName) {
      this.#zone = new Zone(name);
      this.#zoneName = name;
    }
    return this.#zone;
  }

  /**
   * Throws RVB_LIMIT for a result with more rows than its user may read. They are not left out silently: sums over the
   * rest would be wrong.
   */
  checkRows(count: number): void {
    const most = this.parts.account?.limits.rows;
    if (most === undefined || count <= most) return;
    throw new RvbbitError(
      'RVB_LIMIT',
      `the result has more than ${most} rows, as many as the user ${this.parts.user} may read of one: add a LIMIT, or aggregate`,
      { stage: 'deliver', sqlState: '53400' },
    );
  }

  /** Makes ready for a statement: refuses it in a failed transaction, and counts it. */
  enter({ role, mayChange }: Command): void {
    if (this.#status === 'E' && role !== 'end') {
      throw refusal(
        '25P02',
        'current transaction is aborted, commands ignored until end of transaction block: send ROLLBACK',
      );
    }
    if (role !== 'statement') return;
    this.#statements += 1;
    if (mayChange) this.#changes += 1;
  }

  /** Notes that a statement failed: an open transaction of the client can then only be rolled back. */
  noteFailure(): void {
    if (this.inTransaction) this.#status = 'E';
  }

  /** Begins a transaction around the statements that follow, if none is open. */
  async beginImplicit(): Promise<void> {
    if (this.#status !== 'I') return;
    await this.#run(this.#begin());
    this.#opened(true);
  }

  /** Ends the transaction that `beginImplicit` began, if it is still open. */
  async endImplicit(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (!this.#isImplicit) {
      if (this.#status === 'I') await this.closePortals();
      return;
    }
    await this.#end(how);
  }

  /** BEGIN. A transaction that the server began becomes the client's own. */
  async begin(isReadOnly: boolean | undefined): Promise<void> {
    if (this.inTransaction) {
      this.parts.tell(
        { code: '25001', message: 'there is already a transaction in progress' },
        'WARNING',
      );
      return;
    }
    if (this.#isImplicit) {
      this.#isImplicit = false;
      return;
    }
    await this.closePortals();
    await this.#run(this.#begin(isReadOnly));
    this.#opened(false);
  }

  /** COMMIT or ROLLBACK. Returns what was done: a failed transaction is rolled back in either case. */
  async end(how: 'COMMIT' | 'ROLLBACK'): Promise<'COMMIT' | 'ROLLBACK'> {
    if (this.#status === 'I') {
      this.parts.tell({ code: '25P01', message: 'there is no transaction in progress' }, 'WARNING');
      return how;
    }
    const done = this.#status === 'E' ? 'ROLLBACK' : how;
    await this.#end(done);
    return done;
  }

  /** Makes the open transaction read-only or not, as long as it has run no statement. */
  async setReadOnly(isReadOnly: boolean): Promise<void> {
    if (!this.inTransaction) {
      this.parts.tell(
        { code: '25P01', message: 'SET TRANSACTION can only be used in transaction blocks' },
        'WARNING',
      );
      return;
    }
    if (this.#statements > 0) {
      throw refusal('25001', 'the access mode of a transaction is set before its first statement');
    }
    await this.#run('ROLLBACK');
    await this.#run(this.#begin(isReadOnly));
  }

  savepoint(name: string): void {
    if (!this.inTransaction)
      throw refusal('25P01', 'SAVEPOINT can only be used in transaction blocks');
    if (this.#savepoints.length >= MAX_NAMED)
      throw refusal('54000', `a transaction has at most ${MAX_NAMED} savepoints`);
    this.#savepoints.push({ name, changes: this.#changes, settings: this.settings.state });
  }

  release(name: string): void {
    this.#savepoints.length = this.#savepointAt(name);
  }

  /** Goes back to a savepoint, if nothing has been changed since: DuckDB has no savepoints, and can undo nothing. */
  async rollbackTo(name: string): Promise<void> {
    const at = this.#savepointAt(name);
    const { changes, settings } = this.#savepoints[at]!;
    const lost = 'DuckDB has no savepoints, and cannot undo a part of a transaction';
    if (changes !== this.#changes) {
      throw unsupported(
        `${lost}: statements after SAVEPOINT ${name} may have changed data; send ROLLBACK, and begin the transaction again`,
      );
    }
    if (this.#status === 'E') {
      try {
        await this.#run('SELECT 1');
      } catch {
        throw unsupported(
          `${lost}, and the statement that failed has ended this transaction; send ROLLBACK, and begin it again`,
        );
      }
      this.#status = 'T';
    }
    this.#savepoints.length = at + 1;
    this.settings.become(settings);
    await this.#applySettings();
  }

  /** Keeps a prepared statement. The one without a name is replaced. */
  keep(name: string, prepared: Prepared): void {
    if (name !== '' && this.prepared.has(name)) {
      throw refusal('42P05', `prepared statement "${name}" already exists`);
    }
    this.prepared.set(name, prepared, prepared.text.length);
  }

  /** Keeps an open portal, whose values take `bytes`. The one without a name is replaced. */
  async open(name: string, portal: Portal, bytes: number): Promise<void> {
    if (name === '') await this.closePortal('');
    else if (this.portals.has(name)) throw refusal('42P03', `cursor "${name}" already exists`);
    this.portals.set(name, portal, bytes);
  }

  async closePortal(name: string): Promise<void> {
    await this.portals.delete(name)?.close();
  }

  async closePortals(): Promise<void> {
    await Promise.all(this.portals.clear().map((portal) => portal.close()));
  }

  /** Closes the session, which ends its statements and rolls an open transaction back. */
  async close(): Promise<void> {
    for (const portal of this.portals.clear()) portal.abort();
    const session = await this.#session?.catch(() => undefined);
    await session?.close();
  }

  /** Sets a setting, undefined to its first value, here and, where DuckDB has it too, there. */
  async set(name: string, value: string | undefined, isLocal = false): Promise<void> {
    if (isLocal && this.#status === 'I') {
      const message = 'SET LOCAL can only be used in transaction blocks';
      if (value !== undefined) accepted(name, value);
      this.parts.tell({ code: '25P01', message }, 'WARNING');
      return;
    }
    const { settings } = this;
    const before = settings.state;
    settings.set(name, value, isLocal);
    await this.#applySettings().catch((thrown: unknown) => {
      settings.become(before);
      throw thrown;
    });
  }

  async resetAll(): Promise<void> {
    this.settings.resetAll();
    await this.#applySettings();
  }

  /** A session that is not open yet gets the settings when it is opened. */
  async #applySettings(): Promise<void> {
    if (this.#session !== undefined) await this.#apply(await this.#session);
  }

  async #open(): Promise<EngineSession> {
    const session = await this.parts.openSession();
    await this.#apply(session);
    return session;
  }

  async #apply(session: EngineSession): Promise<void> {
    const zone = this.settings.get('timezone') ?? FIRST_ZONE;
    if (this.#applied.zone !== zone) await setTimeZone(session, zone);
    const path = this.settings.get('search_path') ?? '';
    if (this.#applied.path !== path) await setSearchPath(session, path);
    this.#applied = { zone, path };
  }

  async #run(sql: string): Promise<void> {
    const session = await this.session();
    await session.query(sql, undefined, { origin: this.origin });
  }

  #begin(isReadOnly = this.settings.get('default_transaction_read_only') === 'on'): string {
    return isReadOnly ? 'BEGIN TRANSACTION READ ONLY' : 'BEGIN TRANSACTION';
  }

  #opened(isImplicit: boolean): void {
    this.#atBegin = this.settings.state;
    this.#status = 'T';
    this.#isImplicit = isImplicit;
    this.#changes = 0;
    this.#statements = 0;
  }

  async #end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    await this.closePortals();
    this.parts.schema.version += 1;
    this.#status = 'I';
    this.#isImplicit = false;
    this.#savepoints = [];
    const { settings } = this;
    let isKept = false;
    try {
      await this.#run(how);
      isKept = how === 'COMMIT';
    } finally {
      if (isKept) settings.keep();
      else settings.become(this.#atBegin);
      await this.#applySettings();
    }
  }

  #savepointAt(name: string): number {
    const at = this.#savepoints.findLastIndex((savepoint) => savepoint.name === name);
    if (at < 0) throw refusal('3B001', `savepoint "${name}" does not exist`);
    return at;
  }
}
