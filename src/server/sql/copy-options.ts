/** Reads COPY statements whose other end is the client. */
import { refusal, unsupported } from './protocol-error.ts';
import type { Words } from './words.ts';

/** The form of the file. */
export interface CopyFormat {
  readonly kind: 'text' | 'csv' | 'binary';
  readonly delimiter: string;
  /** The text that stands for NULL. */
  readonly nullText: string;
  /** True for a first line with the names of the columns; `match`: COPY FROM compares them. */
  readonly hasHeader: boolean | 'match';
  readonly quote: string;
  readonly escape: string;
}

/** A COPY statement. */
export interface CopyStatement {
  readonly direction: 'in' | 'out';
  /** The table with its columns, as written; undefined for a query. */
  readonly table: string | undefined;
  readonly columns: string | undefined;
  /** The query whose rows go out. */
  readonly query: string;
  readonly format: CopyFormat;
}

/** Options by their name in small letters; true for an option without a value. */
type Options = Map<string, string | true>;

/** Returns a COPY whose other end is the client; undefined for one of a file, which is DuckDB's. */
export function readCopy(words: Words): CopyStatement | undefined {
  if (!words.take('COPY')) return undefined;
  const { text } = words;
  if (!/\b(?:stdin|stdout)\b/i.test(text)) return undefined;
  let table: string | undefined;
  let columns: string | undefined;
  let query = '';
  if (words.isSign('(')) query = words.bracketed();
  else {
    table = words.dotted();
    if (words.isSign('(')) columns = words.bracketed();
    query = `SELECT ${columns ?? '*'} FROM ${table}`;
  }
  const isOut = words.take('TO', 'STDOUT');
  if (!isOut && !words.take('FROM', 'STDIN')) return undefined;
  const format = formatOf(readOptions(words));
  if (isOut && format.hasHeader === 'match')
    throw refusal('22023', 'HEADER MATCH is for COPY FROM: COPY TO writes the header');
  if (!isOut && table === undefined)
    throw refusal('42601', 'COPY FROM STDIN needs a table, and not a query');
  return { direction: isOut ? 'out' : 'in', table, columns, query, format };
}

/** Reads both forms: `WITH (FORMAT csv, HEADER)`, and the older `CSV HEADER DELIMITER ';'`. */
function readOptions(words: Words): Options {
  const options: Options = new Map();
  words.take('WITH');
  const isList = words.takeSign('(');
  while (!words.isOver && !(isList && words.takeSign(')'))) {
    const name = words.name();
    if (!isList && /^(?:csv|binary|text)$/.test(name)) options.set('format', name);
    else {
      if (!isList) words.take('AS');
      const hasValue = isList
        ? !words.isSign(',') && !words.isSign(')')
        : /^(?:delimiter|null|quote|escape|encoding)$/.test(name);
      if (hasValue && words.isSign('('))
        throw unsupported(`the option ${name} of COPY is not supported`);
      options.set(name, hasValue ? words.value() : true);
    }
    if (isList) words.takeSign(',');
  }
  words.end();
  return options;
}

function formatOf(options: Options): CopyFormat {
  const kind = String(options.get('format') ?? 'text').toLowerCase();
  if (kind !== 'text' && kind !== 'csv' && kind !== 'binary') {
    throw refusal('22023', `COPY has the formats text, csv and binary, and not ${kind}`);
  }
  const known = ['format', 'delimiter', 'null', 'header', 'quote', 'escape', 'encoding', 'freeze'];
  const other = [...options.keys()].find((name) => !known.includes(name));
  if (other !== undefined) throw unsupported(`the option ${other} of COPY is not supported`);
  const encoding = options.get('encoding');
  if (typeof encoding === 'string' && !/^utf-?8$/i.test(encoding)) {
    throw unsupported(`the encoding ${encoding} is not supported: COPY is in UTF8`);
  }
  const sign = (name: string, instead: string) => {
    const given = options.get(name);
    if (given === undefined) return instead;
    if (typeof given === 'string' && given.length === 1) return given;
    throw refusal('22023', `the ${name} of COPY is one character`);
  };
  const quote = sign('quote', '"');
  const header = options.get('header');
  return {
    kind,
    delimiter: sign('delimiter', kind === 'csv' ? ',' : '\t'),
    nullText: String(options.get('null') ?? (kind === 'csv' ? '' : '\\N')),
    hasHeader: /^match$/i.test(String(header)) ? 'match' : /^(?:true|on|1)$/i.test(String(header)),
    quote,
    escape: sign('escape', quote),
  };
}
