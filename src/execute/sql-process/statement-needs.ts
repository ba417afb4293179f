/** What the queries of one statement need from its session, each thing read once. */
import type { Session } from '../../duck/session.ts';
import { findTable } from './find-table.ts';
import type { Definition } from './messages.ts';
import {
  namesInQuery,
  onlyInline,
  type QueryNames,
  type TableReference,
} from './names-in-query.ts';
import { type OwnMacro, ownMacros, ownTypes } from './own-objects.ts';
import type { PrivateFolder } from './private-folder.ts';
import { SQL_PROCESS_TEXTS } from './process-limits.ts';
import { Snapshot } from './snapshot.ts';

/** A reading of a table and how many queries work with it. */
interface Reading {
  readonly snapshot: Promise<Snapshot | undefined>;
  users: number;
  isPast: boolean;
}

/** What one query needs; `release` says that it is done. */
export interface QueryNeeds {
  readonly definitions: readonly Definition[];
  readonly usesMacros: boolean;
  readonly release: () => void;
}

export interface StatementNeedsOptions {
  readonly session: Session;
  readonly folder: PrivateFolder;
  readonly signal: AbortSignal;
  /** Called with SQL that makes room where a reading is used no more. */
  readonly onPast: (dropSql: string) => void;
}

/** The names of a query, those of the macros that it uses included, and these macros. */
interface WholeNames extends QueryNames {
  readonly macros: readonly OwnMacro[];
}

export class StatementNeeds {
  readonly #options: StatementNeedsOptions;
  readonly #names = new Map<string, Promise<WholeNames>>();
  /** By reference, as the query writes it. */
  readonly #readings = new Map<string, Reading>();
  readonly #removing = new Set<Promise<void>>();
  #macros: Promise<ReadonlyMap<string, () => OwnMacro>> | undefined;
  #types: Promise<ReadonlyMap<string, readonly Definition[]>> | undefined;
  #versions = 0;

  constructor(options: StatementNeedsOptions) {
    this.#options = options;
  }

  /** What a query needs, its tables read where they have not been. Throws RVB_UNSUPPORTED and RVB_SQL. */
  async of(text: string): Promise<QueryNeeds> {
    const names = await this.#namesOf(text);
    const used: Reading[] = [];
    const release = (): void => {
      for (const reading of used) this.#release(reading);
    };
    try {
      const definitions: Definition[] = [];
      if (names.types.size > 0) {
        const { session, signal } = this.#options;
        this.#types ??= ownTypes(session, signal);
        const types = await this.#types;
        definitions.push(...[...names.types].flatMap((name) => types.get(name) ?? []));
      }
      const readings = names.tables.map((reference) => this.#read(reference));
      for (const reading of readings) reading.users += 1;
      used.push(...readings);
      const snapshots = await Promise.all(readings.map(({ snapshot }) => snapshot));
      definitions.push(...snapshots.flatMap((snapshot) => snapshot?.definitions ?? []));
      definitions.push(...names.macros.flatMap((macro) => macro.definitions));
      return { definitions, usesMacros: names.macros.length > 0, release };
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /** The statement itself has made a temporary table of this name: it is to be read anew. */
  forget(name: string): void {
    for (const [key, reading] of this.#readings) {
      if (nameOf(key) !== name.toLowerCase()) continue;
      this.#readings.delete(key);
      reading.isPast = true;
      if (reading.users === 0) this.#remove(reading);
    }
  }

  /** Removes what was written. */
  async close(): Promise<void> {
    for (const reading of this.#readings.values()) this.#remove(reading);
    this.#readings.clear();
    await Promise.all(this.#removing);
  }

  #namesOf(text: string): Promise<WholeNames> {
    let names = this.#names.get(text);
    if (names === undefined) {
      names = this.#readNames(text);
      names.catch(() => this.#names.delete(text));
      if (this.#names.size >= SQL_PROCESS_TEXTS) this.#names.clear();
      this.#names.set(text, names);
    }
    return names;
  }

  async #readNames(text: string): Promise<WholeNames> {
    const { session, signal } = this.#options;
    const tables: TableReference[] = [];
    const functions = new Set<string>();
    const types = new Set<string>();
    const macros: OwnMacro[] = [];
    const bodies = [text];
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const names = await namesInQuery(session, body, signal);
      tables.push(...names.tables);
      for (const type of names.types) types.add(type);
      for (const name of names.functions) {
        if (functions.has(name)) continue;
        functions.add(name);
        this.#macros ??= ownMacros(session, signal);
        const macro = (await this.#macros).get(name)?.();
        if (macro === undefined) continue;
        macros.push(macro);
        bodies.push(...macro.bodies);
      }
    }
    const distinct = new Map(tables.map((reference) => [keyOf(reference), reference]));
    return { tables: [...distinct.values()], functions, types, macros };
  }

  #read(reference: TableReference): Reading {
    const key = keyOf(reference);
    let reading = this.#readings.get(key);
    if (reading === undefined) {
      reading = { snapshot: this.#write(reference), users: 0, isPast: false };
      // What could not be read may be there for the next query.
      reading.snapshot.catch(() => this.#readings.delete(key));
      this.#readings.set(key, reading);
    }
    return reading;
  }

  async #write(reference: TableReference): Promise<Snapshot | undefined> {
    const { session, folder, signal } = this.#options;
    const table = await findTable(session, reference, signal);
    if (table === undefined) return undefined;
    if (table.isInternal) {
      if (reference.mayBeCte) return undefined;
      throw onlyInline(`${table.name}, which tells of the session itself,`);
    }
    this.#versions += 1;
    return Snapshot.write(session, table, { folder, version: this.#versions, signal });
  }

  #release(reading: Reading): void {
    reading.users -= 1;
    if (reading.isPast && reading.users === 0) this.#remove(reading);
  }

  #remove(reading: Reading): void {
    const removing = reading.snapshot
      .then(async (snapshot) => {
        if (snapshot?.dropSql !== undefined) this.#options.onPast(snapshot.dropSql);
        await snapshot?.remove();
      })
      .catch(() => {})
      .finally(() => this.#removing.delete(removing));
    this.#removing.add(removing);
  }
}

function keyOf({ catalog, schema, name, mayBeCte }: TableReference): string {
  return JSON.stringify(
    [catalog, schema, name, String(mayBeCte)].map((part) => part.toLowerCase()),
  );
}

function nameOf(key: string): string {
  return (JSON.parse(key) as string[])[2]!;
}
