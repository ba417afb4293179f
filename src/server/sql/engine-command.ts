/** Statements that the engine runs. */

import { LRUCache } from 'lru-cache';
import { statementParts } from '../../../grammar/semantic/statement-parts.ts';
import type { EngineSession } from '../../engine-session.ts';
import { messageOf, RvbbitError } from '../../errors.ts';
import type { QueryOptions } from '../../options.ts';
import type { QueryResult, ResultColumn, Summary } from '../../result.ts';
import { progressText } from '../outside/progress-text.ts';
import { keptCatalogueQuery, mayNameCatalogue } from './catalogue/catalogue-query.ts';
import type { Client } from './client.ts';
import type { Answer, Command, RowsAnswer } from './command.ts';
import { commandTag } from './command-tag.ts';
import { readable } from './postgres-forms.ts';
import { refusal } from './protocol-error.ts';
import { readArrayText } from './types/decode.ts';
import { Words } from './words.ts';

/** The form in which the engine gives values: every digit of every type. */
const FORM = 'json';
/** A result with at most this many rows is short. */
const SHORT_ROWS = 2_048;
/** The most statements of which is kept that their result was short. */
const KEPT_SHORT = 2_000;

/**
 * Statements whose latest result was short, by their text without its values. A short result is read in one call, and
 * a long one while DuckDB still makes it, which takes several calls.
 */
const short = new LRUCache<string, true>({ max: KEPT_SHORT });

/** Statements that change rows and no table. */
const CHANGES_ROWS = /^\s*(?:insert|update|delete)\b/i;

/** Returns the command of a statement that the engine runs. */
export function engineCommand(text: string, client: Client): Command {
  const isQuery = statementParts(text).kind === 'query';
  const isDialect = /^\s*RVBBIT\b/i.test(text);
  return {
    role: 'statement',
    mayChange: !isQuery,
    async describe(signal, parameterTypes = []) {
      const { descriptions, parts } = client;
      const key = `${parts.schema.version} ${parameterTypes.join()} ${text}`;
      const kept = descriptions.get(key);
      if (kept !== undefined) return kept;
      const { session, sql, sequences, isCatalogue } = await ready(text, client);
      // DuckDB reads such a statement only once its sequences are there.
      if (sequences.length > 0) return { parameters: [], columns: [] };
      const asked = session.describe(sql, { signal, parameterTypes });
      const described = !isCatalogue
        ? asked
        : asked.then(({ parameters, columns }) => ({
            parameters: parameters.map(inCatalogue),
            columns: catalogueColumns(columns),
          }));
      descriptions.set(key, described);
      described.catch(() => descriptions.delete(key));
      return described;
    },
    async run(parameters, signal) {
      const { session, sql, sequences, isCatalogue } = await ready(text, client);
      if (sequences.length > 0) await makeSequences(sequences, session, client, signal);
      const call: Call = { session, sql, parameters, options: optionsOf(client, signal) };
      const shape = shapeOf(text);
      const isLong = isDialect || (isQuery && !short.has(shape));
      try {
        if (isCatalogue) {
          const result = await whole(call);
          return delivered({ ...result, columns: catalogueColumns(result.columns) }, text);
        }
        return isLong ? await streamed(call, shape) : delivered(await whole(call), text);
      } catch (thrown) {
        // DuckDB refuses such a statement before any of it runs, so that it can run again.
        const typed = isUntyped(thrown) ? asTyped(parameters) : undefined;
        if (typed === undefined) throw thrown;
        return delivered(await whole({ ...call, parameters: typed }), text);
      } finally {
        if (!isQuery && !CHANGES_ROWS.test(text)) client.parts.schema.version += 1;
      }
    },
  };
}

interface Call {
  readonly session: EngineSession;
  readonly sql: string;
  readonly parameters: readonly unknown[] | undefined;
  readonly options: QueryOptions;
}

interface Ready {
  readonly session: EngineSession;
  readonly sql: string;
  /** The statements to run before, in the same transaction. */
  readonly sequences: readonly string[];
  /** True if the statement is about the catalogue, and `sql` in its place. */
  readonly isCatalogue: boolean;
}

/** Returns the text to run, and the session to run it on. A catalogue that the text names is there. */
async function ready(given: string, client: Client): Promise<Ready> {
  const { sql: text, sequences } = readable(given);
  const session = await client.session();
  const plain = { session, sql: text, sequences, isCatalogue: false };
  if (!mayNameCatalogue(text)) return plain;
  const { database, user, isReadOnly, prepare, functions } = client.parts;
  const facts = { database, user, isReadOnly, functions: await functions() };
  const routed = keptCatalogueQuery(text, facts);
  if (routed === undefined) return plain;
  await prepare(routed.setup);
  return { session, sql: routed.sql, sequences, isCatalogue: true };
}

async function makeSequences(
  sequences: readonly string[],
  session: EngineSession,
  client: Client,
  signal: AbortSignal,
): Promise<void> {
  await client.beginImplicit();
  for (const sql of sequences) {
    await session.query(sql, undefined, { signal, origin: client.origin }).catch((thrown) => {
      if (!/depend on it/.test(messageOf(thrown))) throw thrown;
      throw refusal(
        '42P07',
        `the table already exists, or another one counts with its sequence: ${sql}`,
      );
    });
  }
}

/** The type of a list of whole numbers in the catalogue: they are oids. asyncpg knows no other lists before it has asked. */
const inCatalogue = <T extends string | undefined>(type: T) =>
  type === 'BIGINT[]' ? 'OID[]' : type;

function catalogueColumns(columns: readonly ResultColumn[]): readonly ResultColumn[] {
  return columns.map(({ name, type }) => ({ name, type: inCatalogue(type) }));
}

function optionsOf(client: Client, signal: AbortSignal): QueryOptions {
  const { origin, settings, parts } = client;
  let toldMs = 0;
  const onProgress = (soFar: Summary) => {
    const { progressMs } = settings;
    if (progressMs === 0 || soFar.durationMs - toldMs < progressMs || soFar.rows.in === 0) return;
    toldMs = soFar.durationMs;
    parts.tell({ code: 'progress', message: progressText(soFar) });
  };
  return { signal, valueForm: FORM, origin, onProgress };
}

function whole({ session, sql, parameters, options }: Call): Promise<QueryResult> {
  return session.query(sql, parameters, options);
}

async function streamed(
  { session, sql, parameters, options }: Call,
  shape: string,
): Promise<RowsAnswer> {
  const stream = session.stream(sql, parameters, options);
  // A failure is thrown by the columns too.
  stream.summary.catch(() => undefined);
  const columns = await stream.columns;
  const iterator = stream[Symbol.asyncIterator]();
  return {
    kind: 'rows',
    columns,
    rows: {
      next() {
        const value = stream.takeReady();
        return value === undefined ? iterator.next() : { done: false, value };
      },
      return: () => iterator.return?.(),
    },
    notices: stream.notices,
    account: () => stream.summary,
    tag(count) {
      if (count <= SHORT_ROWS) short.set(shape, true);
      return `SELECT ${count}`;
    },
  };
}

function delivered(
  { columns, rows, rowCount, notices, summary }: QueryResult,
  text: string,
): Answer {
  if (rows.length > SHORT_ROWS) short.delete(shapeOf(text));
  return {
    kind: 'rows',
    columns,
    rows: rows[Symbol.iterator](),
    notices,
    account: async () => summary,
    tag: () => commandTag(new Words(text), rowCount, columns.length > 0),
  };
}

/** Returns a text without its strings and its numbers. The number of a LIMIT stays: it says how long the result is. */
function shapeOf(text: string): string {
  return text.replace(/'(?:[^']|'')*'|(?<!\blimit\s{1,9})\b\d[\d.]*/gi, '?');
}

/** True for DuckDB's refusal of a parameter whose type neither the statement nor the client names. */
function isUntyped(thrown: unknown): boolean {
  if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') return false;
  const { message } = thrown;
  if (/UNNEST not supported here/.test(message)) return true;
  return (
    /STRING_LITERAL|VARCHAR/.test(message) && /best candidate|No function matches/.test(message)
  );
}

const NUMBER = /^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,15})?$/;

/**
 * Returns the parameters with numbers and lists in place of texts that have their form; undefined if there are none.
 * Clients such as node-postgres send every value as a text without a type.
 */
function asTyped(parameters: readonly unknown[] = []): readonly unknown[] | undefined {
  const typed = parameters.map((value) => (typeof value === 'string' ? typedText(value) : value));
  return typed.some((value, index) => value !== parameters[index]) ? typed : undefined;
}

function typedText(text: string): unknown {
  if (NUMBER.test(text)) return text.includes('.') ? Number(text) : BigInt(text);
  const items = text.startsWith('{') ? readArrayText(text) : undefined;
  if (items?.every((item) => typeof item === 'string' || item === null) !== true) return text;
  return items.map((item) => (typeof item === 'string' ? numberOr(item) : null));
}

function numberOr(text: string): unknown {
  return NUMBER.test(text) ? typedText(text) : text;
}
