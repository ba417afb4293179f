/** What the queries of one statement need from its session, each thing read once. */
import { qualifiedName } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { type FoundTable, findTable } from './find-table.ts';
import type { Definition } from './messages.ts';
import {
  namesInQuery,
  onlyInline,
  type QueryNames,
  type TableReference,
} from './names-in-query.ts';
import {
  bodiesOf,
  macroDefinitions,
  macrosMeant,
  type OwnMacro,
  ownMacros,
  ownTypes,
} from './own-objects.ts';
import type { PrivateFolder } from './private-folder.ts';
import { SQL_PROCESS_TEXTS } from './process-limits.ts';
import { foldName, isSameName, type SearchPath } from './search-path.ts';
import { Snapshot } from './snapshot.ts';

/** A reading of a table and how many queries work with it. */
interface Reading {
  readonly table: FoundTable;
  readonly snapshot: Promise<Snapshot>;
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
  readonly searchPath: () => Promise<SearchPath>;
  /** Called with SQL that makes room where a reading is used no more. */
  readonly onPast: (dropSql: string) => void;
}

/** What the session has for a name. */
interface Lookup {
  readonly name: string;
  readonly table: Promise<FoundTable | undefined>;
}

/** The names of a query, those of the macros that it uses included, and these macros. */
interface WholeNames extends Omit<QueryNames, 'functions'> {
  readonly macros: readonly OwnMacro[];
}

export class StatementNeeds {
  readonly #options: StatementNeedsOptions;
  readonly #names = new Map<string, Promise<WholeNames>>();
  /** By name, as queries write it. */
  readonly #lookups = new Map<string, Lookup>();
  /** By the table's own name: queries may write it in several ways. */
  readonly #readings = new Map<string, Reading>();
  readonly #removing = new Set<Promise<void>>();
  #macros: Promise<ReadonlyMap<string, readonly OwnMacro[]>> | undefined;
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
      const tables = await Promise.all(names.tables.map((reference) => this.#find(reference)));
      const readings = new Set(tables.flatMap((table) => (table ? [this.#read(table)] : [])));
      for (const reading of readings) reading.users += 1;
      used.push(...readings);
      const snapshots = await Promise.all(used.map(({ snapshot }) => snapshot));
      definitions.push(...snapshots.flatMap((snapshot) => snapshot.definitions));
      definitions.push(...names.macros.flatMap(macroDefinitions));
      return { definitions, usesMacros: names.macros.length > 0, release };
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /** The statement itself has made a temporary table of this name: it is to be read anew. */
  forget(name: string): void {
    for (const [key, lookup] of this.#lookups) {
      if (isSameName(lookup.name, name)) this.#lookups.delete(key);
    }
    for (const [key, reading] of this.#readings) {
      if (!reading.table.isTemporary || !isSameName(reading.table.name, name)) continue;
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
    const { session, signal, searchPath } = this.#options;
    const tables: TableReference[] = [];
    const types = new Set<string>();
    const macros: OwnMacro[] = [];
    const met = new Set<OwnMacro>();
    const read = async (body: string): Promise<void> => {
      const names = await namesInQuery(session, body, signal);
      tables.push(...names.tables);
      for (const type of names.types) types.add(type);
      for (const reference of names.functions) {
        this.#macros ??= ownMacros(session, signal);
        const own = (await this.#macros).get(foldName(reference.name));
        if (own === undefined) continue;
        for (const macro of macrosMeant(own, reference, await searchPath())) {
          if (met.has(macro)) continue;
          met.add(macro);
          for (const inner of bodiesOf(macro)) await read(inner);
          // A macro can be made once those that it calls are there.
          macros.push(macro);
        }
      }
    };
    await read(text);
    const distinct = new Map(tables.map((reference) => [JSON.stringify(reference), reference]));
    return { tables: [...distinct.values()], types, macros };
  }

  async #find(reference: TableReference): Promise<FoundTable | undefined> {
    const key = JSON.stringify(reference);
    let lookup = this.#lookups.get(key);
    if (lookup === undefined) {
      const { session, signal, searchPath } = this.#options;
      lookup = {
        name: reference.name,
        table: searchPath().then((path) => findTable(session, reference, path, signal)),
      };
      // What could not be looked up may be for the next query.
      lookup.table.catch(() => this.#lookups.delete(key));
      this.#lookups.set(key, lookup);
    }
    const table = await lookup.table;
    if (table?.isInternal !== true) return table;
    throw onlyInline(`${table.name}, which tells of the session itself,`);
  }

  #read(table: FoundTable): Reading {
    const key = qualifiedName([table.database, table.schema, table.name]);
    let reading = this.#readings.get(key);
    if (reading === undefined) {
      reading = { table, snapshot: this.#write(table), users: 0, isPast: false };
      // What could not be read may be there for the next query.
      reading.snapshot.catch(() => this.#readings.delete(key));
      this.#readings.set(key, reading);
    }
    return reading;
  }

  #write(table: FoundTable): Promise<Snapshot> {
    const { session, folder, signal } = this.#options;
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
        this.#options.onPast(snapshot.dropSql);
        await snapshot.remove();
      })
      .catch(() => {})
      .finally(() => this.#removing.delete(removing));
    this.#removing.add(removing);
  }
}
