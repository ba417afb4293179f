/**
 * The syntax tree of the RVBBIT dialect. Nodes are frozen plain objects with a `kind` and a `span`.
 * Embedded SQL stays text: a `SqlIsland` is an exact slice of the source.
 */

/** A half-open range of UTF-16 offsets into the source: `source.slice(start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** SQL that the dialect does not parse: the exact source text, without the parentheses around it. */
export interface SqlIsland {
  readonly kind: 'SqlIsland';
  readonly text: string;
  readonly span: Span;
}

/** A name. `value` has no quotes; `quoted` is true if the source has the name in double quotes. */
export interface Identifier {
  readonly kind: 'Identifier';
  readonly value: string;
  readonly quoted: boolean;
  readonly span: Span;
}

/** A dotted name, e.g. `db.schema.table`. */
export interface QualifiedName {
  readonly kind: 'QualifiedName';
  readonly parts: readonly Identifier[];
  readonly span: Span;
}

export interface StringLiteral {
  readonly kind: 'StringLiteral';
  readonly value: string;
  readonly span: Span;
}

export interface NumberLiteral {
  readonly kind: 'NumberLiteral';
  readonly value: number;
  readonly span: Span;
}

export interface BooleanLiteral {
  readonly kind: 'BooleanLiteral';
  readonly value: boolean;
  readonly span: Span;
}

/** `key = value` in WITH ( … ). If the parse has no diagnostics, the key is known and the value has the right type. */
export interface Option {
  readonly kind: 'Option';
  readonly key: Identifier;
  readonly value: StringLiteral | NumberLiteral | BooleanLiteral;
  readonly span: Span;
}

/** `-- @ key: value` before a statement. */
export interface Annotation {
  readonly kind: 'Annotation';
  readonly key: string;
  /** The value as written; undefined for `-- @ parallel` without a value. */
  readonly value?: string;
  readonly span: Span;
}

/** A column of RETURNING or of a typed AS: `name [TYPE] [FROM 'json path']`. */
export interface ResultColumn {
  readonly kind: 'ResultColumn';
  readonly name: Identifier;
  /** The DuckDB type as written, e.g. `DECIMAL(10,2)` or `STRUCT(a INT)[]`. */
  readonly type?: SqlIsland;
  readonly from?: StringLiteral;
  readonly span: Span;
}

/** The fields of every statement. The statement inside CREATE, INSERT or EXPLAIN has no annotations of its own. */
export interface StatementBase {
  readonly span: Span;
  /** The `-- @` lines right before the statement, in order. */
  readonly annotations: readonly Annotation[];
}

/** RVBBIT MAP: runs the cascade once per row. */
export interface MapStatement extends StatementBase {
  readonly kind: 'Map';
  /** PARALLEL; without a number in the text it is 10, at the keyword's place. */
  readonly parallel?: NumberLiteral;
  /** BATCH; of BATCH AUTO the text `auto`. */
  readonly batch?: NumberLiteral | StringLiteral;
  /** The position of the DISTINCT keyword, if it is written. */
  readonly distinct?: Span;
  /** The position of the ASYNC keyword, if it is written. */
  readonly async?: Span;
  readonly cascade: StringLiteral;
  readonly alias?: Identifier;
  /** The columns of `AS ( … )` or `RETURNING ( … )`. */
  readonly columns?: readonly ResultColumn[];
  readonly columnsFrom?: 'as' | 'returning';
  readonly query: SqlIsland;
  readonly options: readonly Option[];
}

/** RVBBIT RUN: runs the cascade once over all rows together. */
export interface RunStatement extends StatementBase {
  readonly kind: 'Run';
  readonly async?: Span;
  readonly cascade: StringLiteral;
  readonly query: SqlIsland;
  readonly columns?: readonly ResultColumn[];
  /** The table names of RETURNING TABLES ( … ); empty if no names are written, which means all tables. */
  readonly returningTables?: readonly Identifier[];
  readonly options: readonly Option[];
}

/** CREATE TABLE … AS RVBBIT …. */
export interface CreateTableStatement extends StatementBase {
  readonly kind: 'CreateTable';
  readonly orReplace: boolean;
  readonly temporary: boolean;
  readonly ifNotExists: boolean;
  readonly table: QualifiedName;
  readonly body: MapStatement | RunStatement;
}

/** INSERT INTO … RVBBIT MAP …. */
export interface InsertStatement extends StatementBase {
  readonly kind: 'Insert';
  readonly table: QualifiedName;
  readonly columns?: readonly Identifier[];
  readonly body: MapStatement;
}

/** EXPLAIN of a statement that holds dialect; EXPLAIN of plain SQL is a `Sql` statement. */
export interface ExplainStatement extends StatementBase {
  readonly kind: 'Explain';
  readonly analyze: boolean;
  readonly format: 'text' | 'tree' | 'json';
  readonly body: MapStatement | RunStatement | CreateTableStatement | InsertStatement;
}

/** SHOW RVBBIT JOBS, CASCADES or OPERATORS. */
export interface ShowStatement extends StatementBase {
  readonly kind: 'Show';
  readonly what: 'jobs' | 'cascades' | 'operators';
}

export interface AwaitJobStatement extends StatementBase {
  readonly kind: 'AwaitJob';
  readonly session: StringLiteral;
  /** `timeout`, or none. */
  readonly options: readonly Option[];
}

export interface CancelJobStatement extends StatementBase {
  readonly kind: 'CancelJob';
  readonly session: StringLiteral;
}

/** A statement without dialect: passed to DuckDB byte for byte. */
export interface SqlStatement extends StatementBase {
  readonly kind: 'Sql';
  /** The statement without its semicolon and without white space around it. Comments are kept. */
  readonly text: string;
}

export type StatementNode =
  | MapStatement
  | RunStatement
  | CreateTableStatement
  | InsertStatement
  | ExplainStatement
  | ShowStatement
  | AwaitJobStatement
  | CancelJobStatement
  | SqlStatement;

/** A problem in the source. `parse` returns diagnostics and never throws them. */
export interface Diagnostic {
  readonly code: 'RVB_SYNTAX' | 'RVB_UNKNOWN_OPTION' | 'RVB_OPTION_TYPE' | 'RVB_LIMIT';
  /** One sentence: the text found, the text expected, and the nearest spelling if there is one. */
  readonly message: string;
  readonly span: Span;
  /** 1-based; columns count UTF-16 units. */
  readonly line: number;
  readonly column: number;
  /** The words that would be valid here. */
  readonly expected: readonly string[];
  /** The valid spelling that is nearest to the text found. */
  readonly suggestion?: string;
  /** The source line (cut to 80 columns) and a caret line under it, joined by a newline. */
  readonly excerpt: string;
}

/** The result of `parse`: the statements without problems, and every problem found. */
export interface ParseResult {
  readonly source: string;
  readonly statements: readonly StatementNode[];
  readonly diagnostics: readonly Diagnostic[];
}
