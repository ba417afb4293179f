/** The databases of a server by name, each with an engine of its own, which the first client opens. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Engine } from '../../engine.ts';
import type { ListedFunction } from './catalogue/definitions.ts';
import { listedFunctions } from './listed-functions.ts';
import { refusal } from './protocol-error.ts';
import { setFirstZone } from './session-settings.ts';

/** A name that is a file in the folder of databases. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,99}$/u;

/** The options of the databases of a server. */
export interface DatabaseOptions {
  /** The database called `default`: a DuckDB file or `:memory:`. */
  readonly database: string;
  /** A folder of databases; `shop` is its file `shop.duckdb`. */
  readonly folder?: string;
  readonly openEngine: (database: string) => Promise<Engine>;
}

export class Databases {
  readonly #options: DatabaseOptions;
  readonly #engines = new Map<string, Promise<Engine>>();
  /** What has been run on an engine for catalogue statements, and what runs. */
  readonly #prepared = new WeakMap<Engine, Map<string, Promise<unknown>>>();

  readonly #functions = new WeakMap<Engine, Promise<readonly ListedFunction[]>>();
  readonly #schemas = new Map<string, { version: number }>();

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** The name of the database that a client asks for. A client that names none asks for one of its user's name. */
  nameOf(asked: string, user: string): string {
    return asked === user && this.#fileOf(asked) === undefined ? 'default' : asked;
  }

  /** Returns the engine of a database. Throws 3D000 if there is no such database. */
  async engine(name: string): Promise<Engine> {
    const file = this.#fileOf(name);
    if (file === undefined) {
      const { folder } = this.#options;
      const others =
        folder === undefined ? '' : `, and the files of the folder given by --databases`;
      throw refusal(
        '3D000',
        `database "${name}" does not exist; there are default and memory${others}`,
      );
    }
    const key = this.#keyOf(name);
    const known = this.#engines.get(key);
    if (known !== undefined) return known;
    const opened = this.#options.openEngine(file).then(async (engine) => {
      await setFirstZone(engine);
      return engine;
    });
    this.#engines.set(key, opened);
    // A file that another process holds now may be free later.
    opened.catch(() => this.#engines.delete(key));
    return opened;
  }

  /** Runs each statement once on the engine's own session, where no client has a transaction open. */
  async prepare(engine: Engine, statements: readonly string[]): Promise<void> {
    const done = this.#prepared.get(engine) ?? new Map<string, Promise<unknown>>();
    this.#prepared.set(engine, done);
    for (const statement of statements) {
      let run = done.get(statement);
      if (run === undefined) {
        run = engine.query(statement);
        done.set(statement, run);
        run.catch(() => done.delete(statement));
      }
      await run;
    }
  }

  /** The functions that tools list for an engine: read once, and none if its files cannot be read. */
  functions(engine: Engine): Promise<readonly ListedFunction[]> {
    const known = this.#functions.get(engine);
    if (known !== undefined) return known;
    const listed = listedFunctions(engine).catch(() => []);
    this.#functions.set(engine, listed);
    return listed;
  }

  /** The version of a database's tables, which its clients share. */
  schema(name: string): { version: number } {
    const key = this.#keyOf(name);
    const known = this.#schemas.get(key) ?? { version: 0 };
    this.#schemas.set(key, known);
    return known;
  }

  async close(): Promise<void> {
    const engines = await Promise.allSettled(this.#engines.values());
    await Promise.all(
      engines.map((opened) => opened.status === 'fulfilled' && opened.value.close()),
    );
  }

  /** The name under which the engine is kept: two names may mean the database `default`. */
  #keyOf(name: string): string {
    return this.#fileOf(name) === this.#options.database && name !== 'memory' ? 'default' : name;
  }

  #fileOf(name: string): string | undefined {
    const { database, folder } = this.#options;
    if (name === 'default') return database;
    if (name === 'memory') return ':memory:';
    if (folder !== undefined && NAME.test(name)) {
      const file = join(folder, `${name}.duckdb`);
      if (existsSync(file)) return file;
    }
    // DuckDB's catalog is called so. Tools that write "shop"."main"."products" connect to `shop`.
    return name === basename(database).split('.')[0] ? database : undefined;
  }
}
