/** The dialect: text to syntax tree and back. Pure: no I/O. */
export { ANNOTATIONS, type AnnotationSpec } from './annotations.ts';
export type {
  Annotation,
  AwaitJobStatement,
  BooleanLiteral,
  CancelJobStatement,
  CreateTableStatement,
  Diagnostic,
  ExplainStatement,
  Identifier,
  InsertStatement,
  MapStatement,
  NumberLiteral,
  Option,
  ParseResult,
  QualifiedName,
  ResultColumn,
  RunStatement,
  ShowStatement,
  Span,
  SqlIsland,
  SqlStatement,
  StatementNode,
  StringLiteral,
} from './ast.ts';
export { type CallSpan, callSpans } from './call-spans.ts';
export { completionsAt } from './completion.ts';
export { parseDurationMs } from './duration.ts';
export { OPTIONS, type OptionSpec } from './options.ts';
export { parse, parseCall } from './parse.ts';
export { parseOnDemand } from './parse-on-demand.ts';
export { annotationDiagnostics } from './parse-source.ts';
export { print } from './printer.ts';
export { nearestSpelling } from './spelling.ts';
export { holdsDialect, type StatementSlice, splitStatements } from './split.ts';
export type { OptionValueKind, SettingValue, ValueSpec } from './value-spec.ts';
export { childrenOf, type Node, type Visitor, visit } from './visitor.ts';
