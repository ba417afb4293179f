/**
 * Counts the questions that DuckDB would evaluate by itself: the operators are macros, and note each question that they
 * are asked. AND and OR are lazy, because otherwise DuckDB's order of their parts, and so the count, depends on the clock.
 */
import { BOOLEAN, type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { SqlNode } from '../../src/duck/parse-sql.ts';
import { chained, lazySelect } from '../../src/semantic/judge/lazy-condition.ts';
import { isNode } from '../../src/semantic/plan/query-tree.ts';
import { registerTextFunction } from '../text-function.ts';

/** A macro that notes its question: the name, the arguments, and the value as an expression over them. */
export interface NotedMacro {
  readonly name: string;
  readonly args: readonly string[];
  readonly value: string;
}

/** A DuckDB of its own, with macros that note their questions. */
export class NotingDuckDb {
  readonly #connection: DuckDBConnection;
  readonly #names: ReadonlySet<string>;
  readonly #noted: Set<string>;

  private constructor(
    connection: DuckDBConnection,
    names: ReadonlySet<string>,
    noted: Set<string>,
  ) {
    this.#connection = connection;
    this.#names = names;
    this.#noted = noted;
  }

  static async open(macros: readonly NotedMacro[], tables: string): Promise<NotingDuckDb> {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run('SET threads = 1');
    const noted = new Set<string>();
    registerTextFunction(connection, 'note', BOOLEAN, (question) => {
      noted.add(question);
      return true;
    });
    for (const sql of tables.split(';').filter((text) => text.trim() !== '')) {
      await connection.run(sql);
    }
    for (const { name, args, value } of macros) {
      const texts = args.map((arg) => `${arg}::VARCHAR`);
      await connection.run(
        `CREATE MACRO ${name}(${args.join(', ')}) AS CASE WHEN note('${name}' || chr(0) || ${texts.join(' || chr(0) || ')}) THEN ${value} END`,
      );
    }
    return new NotingDuckDb(connection, new Set(macros.map(({ name }) => name)), noted);
  }

  async run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }

  /** Returns the number of different questions of a query. A question with a NULL is none. */
  async questionsOf(sql: string): Promise<number> {
    const tree = await this.#textOf('SELECT json_serialize_sql($1::VARCHAR)', sql);
    const exact = tree.replaceAll('18446744073709551615', '0');
    const guarded = JSON.stringify(this.#guarded(JSON.parse(exact)));
    const text = await this.#textOf('SELECT json_deserialize_sql($1::JSON)', guarded);
    this.#noted.clear();
    await this.#connection.runAndReadAll(text);
    return this.#noted.size;
  }

  async #textOf(sql: string, value: string): Promise<string> {
    const reader = await this.#connection.runAndReadAll(sql, [value]);
    return String(reader.getRowsJS()[0]?.[0]);
  }

  /** Makes AND and OR lazy in every SELECT of a tree. */
  #guarded(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#guarded(item));
    if (!isNode(value)) return value;
    const copy = Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, this.#guarded(child)]),
    );
    if (copy['type'] !== 'SELECT_NODE') return copy;
    const tests = {
      isOperator: (node: SqlNode) => this.#names.has(String(node['function_name'])),
      isUnstable: () => false,
    };
    return chained(lazySelect(copy, tests), tests);
  }
}
