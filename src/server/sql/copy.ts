/** COPY … TO STDOUT and COPY … FROM STDIN. */
import type { Row } from '../../result.ts';
import type { Client } from './client.ts';
import type { Command, CopyInAnswer, CopyOutAnswer, RowsAnswer } from './command.ts';
import { BINARY_END, BINARY_HEADER, type Field, rowLine, rowReader } from './copy-format.ts';
import { type CopyStatement, readCopy } from './copy-options.ts';
import { MessageWriter } from './protocol/write-messages.ts';
import { refusal } from './protocol-error.ts';
import { valuesWriter } from './rows.ts';
import {
  binaryText,
  type Items,
  readArrayBytes,
  readArrayText,
  typedList,
} from './types/decode.ts';
import { readDuckType } from './types/duck-type.ts';
import { textOf, valueEncoder } from './types/encode.ts';
import { type PgType, pgType, pgTypeOf } from './types/pg-types.ts';
import type { Words } from './words.ts';

type Route = (text: string, client: Client) => Command;

/** The rows that are inserted with one statement. */
const BATCH_ROWS = 2_048;
/** Rows of this many bytes are inserted although they are fewer. */
const BATCH_BYTES = 4 * 1024 * 1024;

export function copyCommand(words: Words, client: Client, route: Route): Command | undefined {
  const copy = readCopy(words);
  if (copy === undefined) return undefined;
  return {
    role: 'statement',
    mayChange: copy.direction === 'in',
    describe: async () => ({ parameters: [], columns: [] }),
    async run(parameters, signal) {
      if (copy.direction === 'in') return copyIn(copy, client, signal);
      const answer = await route(copy.query, client).run(parameters, signal);
      if (answer.kind === 'rows' && answer.columns.length > 0) return copyOut(copy, answer, client);
      throw refusal('42601', 'COPY TO STDOUT needs a query that returns rows');
    },
  };
}

function copyOut({ format }: CopyStatement, answer: RowsAnswer, client: Client): CopyOutAnswer {
  let count = 0;
  const isBinary = format.kind === 'binary';
  const encode = isBinary ? binaryRow(answer, client) : lineRow(answer, client, format);
  async function* pieces(): AsyncGenerator<Buffer, void> {
    if (isBinary) yield BINARY_HEADER;
    else if (format.hasHeader) {
      yield Buffer.from(
        rowLine(
          answer.columns.map(({ name }) => name),
          format,
        ),
      );
    }
    let isDone = false;
    try {
      for (
        let step = await answer.rows.next();
        step.done !== true;
        step = await answer.rows.next()
      ) {
        count += 1;
        client.checkRows(count);
        yield encode(step.value);
      }
      isDone = true;
    } finally {
      if (!isDone) await answer.rows.return?.();
    }
    if (isBinary) yield BINARY_END;
  }
  const { columns, notices } = answer;
  return {
    kind: 'copyOut',
    isBinary,
    columns: columns.length,
    pieces: pieces(),
    notices,
    tag: () => `COPY ${count}`,
  };
}

function lineRow({ columns }: RowsAnswer, { zone }: Client, format: CopyStatement['format']) {
  const texts = columns.map(({ name, type }) => ({
    name,
    toText: textOf(readDuckType(type), zone),
  }));
  return (row: Row) => {
    const values = texts.map(({ name, toText }) => (row[name] === null ? null : toText(row[name])));
    return Buffer.from(rowLine(values, format));
  };
}

function binaryRow({ columns }: RowsAnswer, { zone }: Client) {
  const out = new MessageWriter();
  const encoders = columns.map(({ name, type }) => ({
    name,
    encode: valueEncoder(type, pgTypeOf(type), 1, zone),
  }));
  const write = valuesWriter(encoders);
  return (row: Row) => {
    write(row, out);
    return out.take();
  };
}

/** Begins a COPY FROM STDIN. All its rows are inserted in one transaction. */
async function copyIn(
  { table, columns: list, query, format }: CopyStatement,
  client: Client,
  signal: AbortSignal,
): Promise<CopyInAnswer> {
  if (client.parts.isReadOnly) {
    throw refusal(
      '42501',
      `permission denied: COPY ${table} FROM STDIN writes, and ${client.parts.user} only reads`,
    );
  }
  const session = await client.session();
  const { columns } = await session.describe(query, { signal });
  await client.beginImplicit();
  const types = columns.map(({ type }) => pgTypeOf(type));
  const values = columns.map(({ type }, index) => `unnest($${index + 1}::${type}[])`);
  const insert = `INSERT INTO ${table}${list === undefined ? '' : ` (${list})`} SELECT ${values.join(', ')}`;
  const reader = rowReader(
    format,
    columns.map(({ name }) => name),
  );
  let waiting: (readonly Field[])[] = [];
  let waitingBytes = 0;
  let count = 0;
  const flush = async () => {
    const rows = waiting;
    waiting = [];
    waitingBytes = 0;
    const parameters = types.map((type, column) => columnValues(rows, column, type, client));
    const end = client.parts.account?.beginStatement();
    try {
      await session.query(insert, parameters, { signal, origin: client.origin });
    } finally {
      end?.();
    }
    count += rows.length;
  };
  const add = async (rows: readonly (readonly Field[])[]) => {
    for (const row of rows) {
      if (row.length !== columns.length) {
        const line = count + waiting.length + 1;
        throw refusal(
          '22P04',
          `row ${line} of COPY has ${row.length} values, and ${table} takes ${columns.length}`,
        );
      }
      waiting.push(row);
      for (const field of row) waitingBytes += field?.length ?? 0;
      if (waiting.length >= BATCH_ROWS || waitingBytes >= BATCH_BYTES) await flush();
    }
  };
  return {
    kind: 'copyIn',
    isBinary: format.kind === 'binary',
    columns: columns.length,
    write: (piece) => add(reader.push(piece)),
    async finish() {
      await add(reader.end());
      if (waiting.length > 0) await flush();
      return `COPY ${count}`;
    },
  };
}

/** Returns the values of a column as a list that DuckDB takes apart. */
function columnValues(
  rows: readonly (readonly Field[])[],
  column: number,
  type: PgType,
  client: Client,
): unknown {
  const items = rows.map((row): Items[number] => {
    const field = row[column]!;
    if (field === null) return null;
    if (Buffer.isBuffer(field) && type.isArray) return readArrayBytes(field);
    const text = Buffer.isBuffer(field) ? binaryText(field, type.name) : field;
    return type.isArray ? (readArrayText(text) ?? text) : text;
  });
  return typedList(items, pgType(type.name), (milliseconds) => client.zone.offsetAt(milliseconds));
}
