/** Statements that the engine runs. */

import { LRUCache } from 'lru-cache';
import { statementParts } from '../../../grammar/semantic/statement-parts.ts';
import type { EngineSession } from '../../engine-session.ts';
import { messageOf } from '../../errors.ts';
import type { QueryOptions } from '../../options.ts';
import type { ResultColumn, Row, Summary } from '../../result.ts';
import { withParameters } from '../../statement/parameter-places.ts';
import { progressText } from '../outside/progress-text.ts';
import { keptCatalogueQuery, mayNameCatalogue } from './catalogue/catalogue-query.ts';
import type { Client } from './client.ts';
import { type Answer, type Command, type RowsAnswer, TypedNull, type Values } from './command.ts';
import { commandTag } from './command-tag.ts';
import { readable } from './postgres-forms.ts';
import { refusal } from './protocol-error.ts';
import { Words } from './words.ts';

/** The form in which the engine gives values: every digit of every type. */
const FORM = 'json';
/** A result with at most this many rows, and bytes on the wire, is short. */
const SHORT_ROWS = 2_048;
const SHORT_BYTES = 256 * 1024;
/** The most statements of which is kept that their result was short. */
const KEPT_SHORT = 2_000;
/** The longest text of them. */
const SHORT_TEXT_CHARS = 10_000;

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
    async describe(signal, parameterTypes = [], parameters = undefined) {
      const { descriptions, parts } = client;
      const key = `${parts.schema.version} ${parameterTypes.join()} ${text}`;
      const kept = parameters === undefined ? descriptions.get(key) : undefined;
      if (kept !== undefined) return kept;
      const { session, sql, sequences, isCatalogue } = await ready(text, client);
      // DuckDB reads such a statement only once its sequences are there.
      if (sequences.length > 0) return { parameters: [], columns: [] };
      const typed = bindable(sql, parameters);
      const values = typed.parameters === undefined ? {} : { parameters: typed.parameters };
      const asked = session.describe(typed.text, { signal, parameterTypes, ...values });
      const described = !isCatalogue
        ? asked
        : asked.then((description) => ({
            ...description,
            parameters: description.parameters.map(inCatalogue),
            columns: catalogueColumns(description.columns),
          }));
      if (parameters !== undefined) return described;
      descriptions.set(key, described);
      described.catch(() => descriptions.delete(key));
      return described;
    },
    async run(parameters, signal) {
      const { session, sql, sequences, isCatalogue } = await ready(text, client);
      if (sequences.length > 0) await makeSequences(sequences, session, client, signal);
      const typed = bindable(sql, parameters);
      const call: Call = {
        session,
        sql: typed.text,
        parameters: typed.parameters,
        options: optionsOf(client, signal),
      };
      const hasShape = isQuery && !isDialect && text.length <= SHORT_TEXT_CHARS;
      const shape = hasShape ? shapeOf(text) : undefined;
      const isShort = shape === undefined ? !isQuery && !isDialect : short.has(shape);
      try {
        if (isCatalogue) {
          const result = await whole(call);
          return delivered({ ...result, columns: catalogueColumns(result.columns) }, text, shape);
        }
        return isShort ? delivered(await whole(call), text, shape) : await streamed(call, shape);
      } catch (thrown) {
        throw typed.placedBack(thrown);
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

/**
 * Returns a text and values that DuckDB binds: parameters are cast to the types of their NULLs, and counted without those
 * that the text does not read.
 */
function bindable(sql: string, values: Values | undefined) {
  if (values === undefined) {
    return { text: sql, parameters: values, placedBack: (thrown: unknown) => thrown };
  }
  const typeOf = (value: unknown) => (value instanceof TypedNull ? value.type : undefined);
  const typed = withParameters(sql, (number) => ({ type: typeOf(values[number]) }));
  const parameters = typed.numbers.map((number) =>
    values[number] instanceof TypedNull ? null : values[number],
  );
  return { ...typed, parameters };
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
  const setting = (name: string) => client.settings.get(name);
  const facts = { database, user, isReadOnly, setting, functions: await functions() };
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

function whole({ session, sql, parameters, options }: Call) {
  return session.queryShort(sql, parameters, options, SHORT_ROWS);
}

async function streamed(
  { session, sql, parameters, options }: Call,
  shape: string | undefined,
): Promise<RowsAnswer> {
  const stream = session.stream(sql, parameters, options);
  // A failure is thrown by the columns too.
  stream.summary.catch(() => undefined);
  const columns = await stream.columns;
  const iterator = stream[Symbol.asyncIterator]();
  let summary: Summary | undefined;
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
    async account() {
      summary = await stream.summary;
      return summary;
    },
    tag(count, bytes) {
      noteLength(shape, summary, count, bytes);
      return `SELECT ${count}`;
    },
  };
}

function delivered(
  { columns, rows, laterRows, rowCount, notices, summary }: Awaited<ReturnType<typeof whole>>,
  text: string,
  shape: string | undefined,
): Answer {
  // Also of a result whose end its client never asks for.
  if (laterRows !== undefined) noteLength(shape, summary, rowCount);
  return {
    kind: 'rows',
    columns,
    rows: laterRows === undefined ? rows[Symbol.iterator]() : oneByOne(laterRows),
    notices,
    account: async () => summary,
    tag(count, bytes) {
      noteLength(shape, summary, count, bytes);
      const hasRows = columns.length > 0;
      return commandTag(new Words(text), hasRows ? count : rowCount, hasRows);
    },
  };
}

async function* oneByOne(slices: AsyncIterable<readonly Row[]>): AsyncGenerator<Row, void> {
  for await (const rows of slices) yield* rows;
}

/** Notes whether a result was short. One that asks models is never: its rows go out as they become certain. */
function noteLength(
  shape: string | undefined,
  summary: Summary | undefined,
  rows: number,
  bytes = 0,
): void {
  if (shape === undefined) return;
  const isPlain = summary?.rows.in === 0;
  if (isPlain && rows <= SHORT_ROWS && bytes <= SHORT_BYTES) short.set(shape, true);
  else short.delete(shape);
}

/** Returns a text without its strings and its numbers. The number of a LIMIT stays: it says how long the result is. */
function shapeOf(text: string): string {
  return text.replace(/'(?:[^']|'')*'|(?<!\blimit\s{1,9})\b\d[\d.]*/gi, '?');
}
