/** Statements about tables, columns and types, as clients of PostgreSQL send them, in SQL that DuckDB answers. */
import { LRUCache } from 'lru-cache';
import { Kind } from '../../../../grammar/scan.ts';
import { quoteIdentifier, quoteLiteral } from '../../../duck/quote.ts';
import { firstValue } from '../settings.ts';
import {
  Definitions,
  DUCK_TYPES,
  type Facts,
  type ListedFunction,
  relationsOfPostgres,
} from './definitions.ts';
import { FUNCTIONS, RENAMED, TABLE_FUNCTIONS } from './functions.ts';
import { nameColumns, selectItems } from './name-columns.ts';
import {
  isKeyword,
  isName,
  matching,
  operandEnd,
  operandStart,
  readTokens,
  type Token,
  textOf,
} from './tokens.ts';

/** What the server knows of a connection. `functions`: the cascades and operators that tools list as functions. */
export interface CatalogueFacts {
  readonly database: string;
  readonly user: string;
  /** True for a session that may not see the settings of DuckDB, which may hold secrets. */
  readonly isReadOnly?: boolean | undefined;
  readonly functions?: readonly ListedFunction[];
  /** Returns a setting of the session, as `SHOW` does. */
  readonly setting?: ((name: string) => string | undefined) | undefined;
}

/**
 * A statement to run in place of the client's. `setup` must have run before, in its order: each text once for an engine, on
 * a session of its own, because a transaction of the client may already write to another database.
 */
export interface CatalogueQuery {
  readonly sql: string;
  readonly setup: readonly string[];
}

/** A text without any of these is no catalogue statement. Most statements end here. */
const MAY_NAME =
  /pg_|information_schema|\breg[a-z]+|_description|current_setting|set_config|format_type|current_schemas|current_database|current_schema|version|array_(?:upper|lower|remove)/i;
/** Functions that DuckDB has, too: alone they do not make a catalogue statement. */
const ALSO_IN_DUCKDB = new Set(['age', 'current_setting', 'array_upper', 'array_lower', 'array_remove']); // biome-ignore format: one list
/** Columns of a type whose first element has the subscript 0, and whose text is its elements between spaces. */
const VECTORS = new Set(['indkey', 'indclass', 'indcollation', 'indoption', 'proargtypes']);
/** Functions that give subscripts of their first argument. */
const SUBSCRIPT_FUNCTIONS = new Set(['generate_subscripts', 'array_upper', 'array_lower']);
const NO_SETTINGS = `(SELECT '' AS name, '' AS value, '' AS description, '' AS input_type WHERE false)`;
const SYSTEM_COLUMNS: Readonly<Record<string, string>> = {
  tableoid: '',
  xmin: '1',
  cmin: '0',
  xmax: '0',
  cmax: '0',
  ctid: `'(0,1)'`,
};
const FACTS: Readonly<Record<string, keyof Facts>> = {
  current_user: 'user',
  session_user: 'user',
  user: 'user',
  current_role: 'user',
  current_catalog: 'database',
};

/** Types of oids that are written as names. */
const LOOKED_UP = /^reg(class|type|namespace|role|proc)$/;
/** Functions that give rows of one column. */
const ROWS_FUNCTIONS = new Set([
  'generate_series',
  'unnest',
  'generate_subscripts',
  'regexp_split_to_table',
  'string_to_array',
]);

/** True for a FROM or JOIN at `at`, but for the FROM of `trim(both ' ' from x)` and the like. */
function isFrom(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at];
  if (token?.kind !== Kind.Word || (token.word !== 'from' && token.word !== 'join')) return false;
  const open = enclosing(tokens, at);
  return !['trim', 'substring', 'extract', 'overlay'].includes(tokens[open - 1]?.word ?? '');
}

/** Returns the index of the bracket that is open at `at`; -1 if none is. */
function enclosing(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let open = at - 1; open >= 0; open--) {
    if (tokens[open]!.kind === Kind.Close) depth++;
    if (tokens[open]!.kind === Kind.Open && --depth < 0) return open;
  }
  return -1;
}

/** The most characters, in all, of the statements whose rewritten form is kept. */
const KEPT_CHARS = 4_000_000;

/** The queries of statements, by the functions that they list, and by facts and text. */
const kept = new WeakMap<
  readonly ListedFunction[],
  LRUCache<string, { readonly query: CatalogueQuery | undefined }>
>();

/** False for most statements that name no object of PostgreSQL's catalogue. */
export function mayNameCatalogue(sql: string): boolean {
  return MAY_NAME.test(sql);
}

/** Does what `catalogueQuery` does, once for a text: it is described and run, and tools send it again and again. */
export function keptCatalogueQuery(
  sql: string,
  facts: CatalogueFacts & { readonly functions: readonly ListedFunction[] },
): CatalogueQuery | undefined {
  const { database, user, isReadOnly, functions } = facts;
  // Its text holds the values of settings, which change.
  if (/current_setting/i.test(sql)) return catalogueQuery(sql, facts);
  const key = JSON.stringify([database, user, isReadOnly, sql]);
  let queries = kept.get(functions);
  if (queries === undefined) {
    const sizeCalculation = ({ query }: { query: CatalogueQuery | undefined }, text: string) =>
      text.length + (query?.sql.length ?? 0);
    queries = new LRUCache({ maxSize: KEPT_CHARS, sizeCalculation });
    kept.set(functions, queries);
  }
  const known = queries.get(key) ?? { query: catalogueQuery(sql, facts) };
  queries.set(key, known);
  return known.query;
}

/** Returns undefined if the statement names no object of PostgreSQL's catalogue. */
export function catalogueQuery(sql: string, facts: CatalogueFacts): CatalogueQuery | undefined {
  if (!mayNameCatalogue(sql)) return undefined;
  const tokens = readTokens(sql);
  if (tokens === undefined) return undefined;
  const rewriter = new Rewriter(tokens, facts);
  if (!rewriter.namesCatalogue()) return undefined;
  return rewriter.rewrite();
}

function isCatalogueSchema({ word }: Token): boolean {
  return word === 'pg_catalog' || word === 'information_schema';
}

/** Setups by the functions that they list. */
const setups = new WeakMap<readonly ListedFunction[], readonly string[]>();
const NO_FUNCTIONS: readonly ListedFunction[] = [];

class Rewriter {
  readonly #tokens: Token[];
  readonly #facts: Facts;
  readonly #definitions: Definitions;
  readonly #setting: CatalogueFacts['setting'];
  readonly #system: boolean;
  /** Where the items of SELECT lists start. */
  readonly #inList: ReadonlySet<number>;

  constructor(
    tokens: Token[],
    { database, user, isReadOnly, functions = NO_FUNCTIONS, setting }: CatalogueFacts,
  ) {
    this.#tokens = tokens;
    this.#facts = {
      database: quoteLiteral(database),
      user: quoteLiteral(user),
      settings: isReadOnly === true ? NO_SETTINGS : 'duckdb_settings()',
    };
    this.#setting = setting;
    this.#definitions = new Definitions(this.#facts, functions);
    this.#system = tokens.some(({ word }) => word in SYSTEM_COLUMNS);
    this.#dropPrefixes();
    this.#inList = new Set(
      tokens.flatMap(({ word, kind }, at) =>
        kind === Kind.Word && word === 'select'
          ? selectItems(tokens, at).map(([from]) => from)
          : [],
      ),
    );
  }

  /** Leaves out `pg_catalog.`, and joins `information_schema.tables` to one name. The database's name may stand before them. */
  #dropPrefixes(): void {
    const tokens = this.#tokens;
    for (let at = 0; at + 2 < tokens.length; at++) {
      const [schema, dot, name] = [tokens[at]!, tokens[at + 1]!, tokens[at + 2]!];
      if (dot.kind !== Kind.Dot || tokens[at - 1]?.kind === Kind.Dot) continue;
      if (this.#isDatabase(at) && isCatalogueSchema(name) && tokens[at + 3]?.kind === Kind.Dot) {
        tokens.splice(at, 3, { ...name, gap: schema.gap });
        at--;
        continue;
      }
      const inside = schema.word === 'information_schema' ? schema.word : undefined;
      if (!isCatalogueSchema(schema)) continue;
      const word =
        inside === undefined || !relationsOfPostgres().has(`${inside}.${name.word}`)
          ? name.word
          : `${inside}.${name.word}`;
      tokens.splice(at, 3, { ...name, word, gap: schema.gap, isQualified: true });
    }
  }

  #isDatabase(at: number): boolean {
    return quoteLiteral(this.#tokens[at]!.word) === this.#facts.database.toLowerCase();
  }

  namesCatalogue(): boolean {
    const tokens = this.#tokens;
    return tokens.some((token, at) => {
      if (token.isQualified) return true;
      if (!isName(token) || tokens[at - 1]?.kind === Kind.Dot) return false;
      if (this.#isRelation(at)) return true;
      if (/^reg[a-z]+$/.test(token.word) && token.word in DUCK_TYPES) return this.#isCast(at);
      if (tokens[at + 1]?.text !== '(') return false;
      if (token.word === 'current_setting') return this.#settingAt(at + 2) !== undefined;
      return (
        (token.word in FUNCTIONS &&
          !ALSO_IN_DUCKDB.has(token.word) &&
          !token.word.startsWith('_')) ||
        token.word in TABLE_FUNCTIONS
      );
    });
  }

  rewrite(): CatalogueQuery {
    const tokens = this.#tokens;
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at]!;
      if (token.kind === Kind.String) this.#arrayLiteral(at);
      else if (token.kind === Kind.Operator || token.kind === Kind.Equals) this.#operator(at);
      else if (token.word === 'operator' && tokens[at + 1]?.text === '(') this.#namedOperator(at);
      else if (token.word === 'collate') this.#dropCollation(at);
      else if (token.kind === Kind.Word && (token.word === 'like' || token.word === 'ilike'))
        this.#like(at);
      else if (this.#isCast(at)) this.#cast(at);
      else if (isName(token) && tokens[at - 1]?.kind !== Kind.Dot) this.#name(at);
      if (VECTORS.has(token.word)) this.#vector(at);
    }
    this.#showVectors();
    nameColumns(tokens);
    this.#addRelations();
    const { functions } = this.#definitions;
    let setup = setups.get(functions);
    if (setup === undefined) {
      setup = new Definitions(this.#facts, functions).setup;
      setups.set(functions, setup);
    }
    return { sql: textOf(tokens), setup };
  }

  #expand(text: string): string {
    return this.#definitions.expand(text);
  }

  /** Puts the relations before the first query of the statement. */
  #addRelations(): void {
    const { relations } = this.#definitions;
    if (relations === '') return;
    // A statement that is no query holds one, but `WITH (…)` has options.
    const at = this.#tokens.findIndex(
      ({ word, kind, text }, index) =>
        (index === 0 && (text === '(' || ['from', 'values', 'table'].includes(word))) ||
        (kind === Kind.Word &&
          (word === 'select' || (word === 'with' && this.#tokens[index + 1]?.text !== '('))),
    );
    const query = this.#tokens[at]!;
    const list = this.#tokens[at + 1]?.word === 'recursive' ? this.#tokens[at + 1]! : query;
    if (query.word === 'with') list.after = ` ${relations},${list.after}`;
    else query.before = `WITH ${relations} ${query.before}`;
  }

  /** True if a relation is read at this place: `FROM pg_class`, and not `pg_class.oid`. */
  #isRelation(at: number): boolean {
    const tokens = this.#tokens;
    const before = tokens[at - 1];
    const isPlace =
      before?.kind === Kind.Comma ||
      before?.text === '(' ||
      ['from', 'join', 'only', 'table', 'into'].includes(before?.word ?? '');
    return (
      isPlace &&
      relationsOfPostgres().has(tokens[at]!.word) &&
      tokens[at + 1]?.kind !== Kind.Dot &&
      tokens[at + 1]?.text !== '('
    );
  }

  #name(at: number): void {
    const token = this.#tokens[at]!;
    const isCall = this.#tokens[at + 1]?.text === '(';
    const fact = FACTS[token.word];
    if (this.#isRelation(at)) this.#relation(at);
    else if (isCall && (token.word in FUNCTIONS || token.word in TABLE_FUNCTIONS)) this.#call(at);
    else if (isCall && token.word in RENAMED) this.#rename(at);
    else if (isCall && ROWS_FUNCTIONS.has(token.word)) this.#rowsFunction(at);
    else if (isCall && token.word === 'format') this.#format(at);
    else if (
      token.kind === Kind.Word &&
      fact !== undefined &&
      !isCall &&
      this.#tokens[at - 1]?.word !== 'as' &&
      this.#tokens[at + 1]?.kind !== Kind.Dot
    ) {
      token.out = this.#facts[fact];
    }
  }

  #relation(at: number): void {
    const token = this.#tokens[at]!;
    const { oid, name } = relationsOfPostgres().get(token.word)!;
    const place = this.#expand(`@${token.word}`);
    const system = Object.entries(SYSTEM_COLUMNS).map(
      ([column, value]) => `${value || oid} AS ${column}`,
    );
    token.out = this.#system ? `(SELECT *, ${system.join(', ')} FROM ${place})` : place;
    this.#nameRelation(at, name);
  }

  #call(at: number): void {
    const tokens = this.#tokens;
    const token = tokens[at]!;
    const close = matching(tokens, at + 1, 1);
    if (this.#settingCall(at)) return;
    const text = this.#expand(`@${token.word}(${close === at + 2 ? ')' : ''}`);
    tokens[at + 1]!.out = '';
    token.out = text;
    if (close === at + 2) tokens[close]!.out = '';
    // PostgreSQL reads any function in FROM, as a relation of one row.
    if (token.word in FUNCTIONS && isFrom(tokens, at - 1)) {
      token.before += '(SELECT ';
      tokens[close]!.after += ` AS ${quoteIdentifier(token.word)})`;
      this.#nameRelation(close, token.word);
    }
  }

  /** The literal of a setting that a string names; NULL for one that the client has not made up. */
  #settingAt(at: number): string | undefined {
    const token = this.#tokens[at];
    if (token?.kind !== Kind.String) return undefined;
    const name = token.text.slice(1, -1).toLowerCase();
    const value = (this.#setting ?? firstValue)(name);
    if (value !== undefined) return quoteLiteral(value);
    const [comma, isMissingOk] = this.#tokens.slice(at + 1);
    const isMade = name.includes('.') && comma?.kind === Kind.Comma && isMissingOk?.word === 'true';
    return isMade ? 'CAST(NULL AS VARCHAR)' : undefined;
  }

  /** A setting that is known is a literal, because DuckDB takes no subquery in some places. */
  #settingCall(at: number): boolean {
    const tokens = this.#tokens;
    if (tokens[at]!.word !== 'current_setting') return false;
    const value = this.#settingAt(at + 2);
    if (value === undefined) return false;
    const close = matching(tokens, at + 1, 1);
    for (let index = at + 1; index <= close; index++) tokens[index]!.out = '';
    tokens[at]!.out = value;
    return true;
  }

  #rename(at: number): void {
    const tokens = this.#tokens;
    const [before, after] = RENAMED[tokens[at]!.word]!;
    tokens[at]!.out = before;
    tokens[at + 1]!.out = '';
    tokens[matching(tokens, at + 1, 1)]!.out = after;
  }

  /** In FROM, the column of a function's rows is called like the alias; in a list, the function gives rows. */
  #rowsFunction(at: number): void {
    const tokens = this.#tokens;
    const close = matching(tokens, at + 1, 1);
    if (this.#inList.has(at) && tokens[at]!.word === 'generate_series') {
      tokens[at]!.before += 'unnest(';
      tokens[close]!.after += ')';
      return;
    }
    const alias = tokens[close + 1]?.word === 'as' ? close + 2 : close + 1;
    if (this.#inList.has(at) || !isName(tokens[alias]) || tokens[alias + 1]?.text === '(') return;
    if (!isFrom(tokens, at - 1) && tokens[at - 1]?.kind !== Kind.Comma) return;
    tokens[alias]!.after += `(${quoteIdentifier(tokens[alias]!.word)})`;
    if (tokens[at]!.word === 'string_to_array') {
      tokens[at]!.before += '(SELECT ';
      tokens[close]!.after += ')';
    }
  }

  /** Gives what ends at `at` a name as a relation, unless the statement does. */
  #nameRelation(at: number, name: string): void {
    const next = this.#tokens[at + 1];
    if (next?.word !== 'as' && !isName(next))
      this.#tokens[at]!.after += ` AS ${quoteIdentifier(name)}`;
  }

  /** PostgreSQL's `format('%I.%s', …)` is DuckDB's `printf`, but for the quotes. */
  #format(at: number): void {
    const text = this.#tokens[at + 2]!;
    if (text.kind !== Kind.String || !/%[sIL]/.test(text.text)) return;
    this.#tokens[at]!.out = 'printf';
    text.out = text.text.replaceAll('%I', '%s').replaceAll('%L', `''%s''`);
  }

  /** `'{a,b}'` is an array in catalogue statements. */
  #arrayLiteral(at: number): void {
    const token = this.#tokens[at]!;
    if (!/^'\{.*\}'$/s.test(token.text)) return;
    const elements = [...token.text.slice(2, -2).matchAll(/"((?:[^"\\]|\\.)*)"|[^,"{}]+/g)].map(
      ([plain, quoted]) => quoted ?? plain.trim(),
    );
    const type = this.#tokens[at + 1]?.text === '::' ? this.#tokens[at + 2]!.word : '';
    const lookUp = LOOKED_UP.test(type) ? this.#expand(`@${type}_oid(`) : undefined;
    const literals = elements.map((one) =>
      lookUp !== undefined ? `${lookUp}'${one}')` : /^\d+$/.test(one) ? one : `'${one}'`,
    );
    token.out = `[${literals.join(', ')}]`;
  }

  /** `OPERATOR(pg_catalog.~)` is `~`. */
  #namedOperator(at: number): void {
    const end = matching(this.#tokens, at + 1, 1);
    const [first, ...rest] = this.#tokens.slice(at + 2, end);
    const operator = first?.isQualified || first?.word === '' ? first : rest.at(-1);
    const text = [first, ...rest]
      .filter((token) => token?.kind === Kind.Operator || token?.kind === Kind.Equals)
      .map((token) => token!.text)
      .join('');
    this.#tokens.splice(at, end - at + 1, {
      ...operator!,
      kind: Kind.Operator,
      text,
      out: text,
      word: '',
      gap: ' ',
      after: ' ',
    });
    this.#operator(at);
  }

  #operator(at: number): void {
    const token = this.#tokens[at]!;
    const next = this.#tokens[at + 1];
    const match = /^(!?)~(\*?)$/.exec(token.text);
    // Division of integers gives an integer in PostgreSQL.
    const isDecimal = [this.#tokens[at - 1], next].some((side) =>
      /^\d*\.\d*$/.test(side?.text ?? ''),
    );
    if (token.text === '/' && !isDecimal) token.out = '//';
    if (match !== null) this.#regularExpression(at, match[1] === '!', match[2] === '*');
    else if (/^!?~~\*?$/.test(token.text)) this.#like(at);
    else if (
      (token.text === '=' && (next?.word === 'any' || next?.word === 'some')) ||
      (token.text === '<>' && next?.word === 'all')
    )
      this.#anyElement(at);
  }

  /** DuckDB's `~` wants the whole text to match. */
  #regularExpression(at: number, isNegated: boolean, ignoresCase: boolean): void {
    const tokens = this.#tokens;
    const end = operandEnd(tokens, at + 1);
    tokens[at]!.out = isNegated ? '!~' : '~';
    tokens[at + 1]!.before += `('(?s${ignoresCase ? 'i' : ''}).*(?:' || `;
    tokens[end]!.after += ` || ').*')`;
  }

  /** In PostgreSQL, a backslash escapes in every pattern. */
  #like(at: number): void {
    const tokens = this.#tokens;
    const pattern = tokens[at + 1];
    const end = operandEnd(tokens, at + 1);
    const isParameter = pattern?.text.startsWith('$') === true && pattern.kind !== Kind.String;
    const mayEscape =
      isParameter ||
      tokens
        .slice(at + 1, end + 1)
        .some(({ kind, text }) => kind === Kind.String && text.includes('\\'));
    if (!mayEscape || tokens[end + 1]?.word === 'escape') return;
    const { text } = tokens[at]!;
    if (text.includes('~'))
      tokens[at]!.out =
        `${text.startsWith('!') ? ' NOT' : ''} ${text.endsWith('*') ? 'ILIKE' : 'LIKE'} `;
    tokens[end]!.after += ` ESCAPE '\\'`;
  }

  /** `x = ANY (list)` is a subquery in DuckDB, which an outer join may not hold; `x IN list` is none. */
  #anyElement(at: number): void {
    const tokens = this.#tokens;
    const inside = tokens[at + 3];
    if (
      tokens[at + 2]?.text !== '(' ||
      (['select', 'with', 'values', 'array'].includes(inside?.word ?? '') &&
        tokens[at + 4]?.text !== '[')
    )
      return;
    if (inside?.text.startsWith('$') && inside.kind !== Kind.String && tokens[at + 4]?.text === ')')
      return;
    tokens[at]!.out = tokens[at]!.text === '=' ? ' IN' : ' NOT IN';
    tokens[at + 1]!.out = this.#expand('@_elements(').slice(0, -1);
    tokens[at + 1]!.before = ' ';
  }

  #dropCollation(at: number): void {
    const tokens = this.#tokens;
    const end = tokens[at + 2]?.kind === Kind.Dot ? at + 3 : at + 1;
    if (tokens[at - 1]?.kind === Kind.Dot || !isName(tokens[at + 1])) return;
    tokens.splice(at, end - at + 1);
    if (at < tokens.length) tokens[at] = { ...tokens[at]!, gap: ` ${tokens[at]!.gap}` };
  }

  /** True if a type stands here: after `::`, or after AS in a CAST. */
  #isCast(at: number): boolean {
    const tokens = this.#tokens;
    if (tokens[at - 1]?.text === '::') return true;
    if (tokens[at - 1]?.word !== 'as') return false;
    const open = enclosing(tokens, at - 1);
    return open > 0 && tokens[open - 1]!.word === 'cast';
  }

  #cast(at: number): void {
    const tokens = this.#tokens;
    const token = tokens[at]!;
    const word = token.word.replace(/^information_schema\./, '');
    if (word === 'char' && token.kind === Kind.Word) return;
    const duck = DUCK_TYPES[word];
    if (duck === undefined) return;
    const isArray = tokens[at + 1]?.text === '[';
    const lookUp = LOOKED_UP.test(word) && !isArray;
    if (tokens[at - 1]!.text !== '::' || !lookUp) {
      token.out = /^reg(oper|operator|procedure)$/.test(word) ? 'VARCHAR' : duck;
      if (lookUp) this.#lookUpInCast(at, word);
      return;
    }
    const start = operandStart(tokens, at - 2);
    const operand = tokens[start]!;
    const isLiteral =
      start === at - 2 && (operand.kind === Kind.String || operand.text.startsWith('$'));
    const next = tokens[at + 1]?.text === '::' ? tokens[at + 2]!.word : undefined;
    // A text that is put together names the object; a number is its oid.
    const isText =
      isLiteral ||
      tokens
        .slice(start, at - 1)
        .some(({ text, word: name }) => text === '||' || name === 'pg_get_serial_sequence');
    const around = [tokens[start - 1]?.text, tokens[at + 1]?.text];
    const isShown =
      next === 'text' ||
      next === 'varchar' ||
      around.includes('||') ||
      (this.#inList.has(start) && next === undefined && !isLiteral) ||
      (!isText &&
        next === undefined &&
        !around.some((text) => /^([=<>]|<>|!=|<=|>=)$/.test(text ?? '')));
    const gives = isText || next === 'oid' || !isShown ? 'oid' : 'name';
    const known =
      isLiteral && word === 'regclass'
        ? relationsOfPostgres().get(operand.text.slice(1, -1).replace(/^pg_catalog\./, ''))?.oid
        : undefined;
    tokens[at - 1]!.out = '';
    token.out = '';
    if (known !== undefined) operand.out = `${known}`;
    else {
      operand.before = this.#expand(`@${word}_${gives}(`) + operand.before;
      tokens[at - 2]!.after += gives === 'oid' ? '::VARCHAR)' : ')';
    }
    if (isText && isShown) {
      operand.before = this.#expand(`@${word}_name(`) + operand.before;
      tokens[at - 2]!.after += ')';
    }
  }

  /** `CAST(x AS regclass)`: the oid of the relation that a text names. */
  #lookUpInCast(at: number, word: string): void {
    const tokens = this.#tokens;
    const close = at + 1;
    const open = matching(tokens, close, -1);
    tokens[open - 1]!.out = '';
    tokens[open]!.out = this.#expand(`@${word}_oid(`);
    tokens[at - 1]!.out = '';
    tokens[at]!.out = '';
    tokens[at - 2]!.after += '::VARCHAR';
  }

  #vector(at: number): void {
    const tokens = this.#tokens;
    const open = enclosing(tokens, at);
    if (SUBSCRIPT_FUNCTIONS.has(tokens[open - 1]?.word ?? '') && !isFrom(tokens, open - 2)) {
      tokens[matching(tokens, open, 1)]!.after += ' - 1';
    } else if (tokens[at + 1]?.text === '[') {
      tokens[at + 1]!.after += '1 + (';
      const close = tokens[matching(tokens, at + 1, 1)]!;
      close.before = `)${close.before}`;
    } else if (
      tokens[at + 1]?.text === '::' &&
      ['text', 'varchar'].includes(tokens[at + 2]?.word ?? '')
    ) {
      this.#asVectorText(operandStart(tokens, at), at);
    }
  }

  /** A client reads a vector column of the result as text. */
  #showVectors(): void {
    const tokens = this.#tokens;
    const select = tokens.findIndex(({ word, kind }) => kind === Kind.Word && word === 'select');
    if (select !== 0) return;
    for (const [from, to] of selectItems(tokens, select)) {
      const column = [from, from + 2].find((at) => VECTORS.has(tokens[at]?.word ?? ''));
      const next = column === undefined ? undefined : tokens[column + 1];
      if (
        column === undefined ||
        column >= to ||
        (column > from && tokens[from + 1]!.kind !== Kind.Dot)
      )
        continue;
      if (column + 1 === to || next?.word === 'as' || (isName(next) && !isKeyword(next)))
        this.#asVectorText(from, column);
    }
  }

  #asVectorText(from: number, to: number): void {
    this.#tokens[from]!.before = `array_to_string(${this.#tokens[from]!.before}`;
    this.#tokens[to]!.after = `${this.#tokens[to]!.after}, ' ')`;
  }
}
