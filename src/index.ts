/** The public API. */
export type { RunOutcome } from '../workers/protocol.ts';
export type { Cascade, Cell, TestCase } from './cascade/cascade.ts';
export type { Parameters } from './duck/session.ts';
export { Engine } from './engine.ts';
export {
  ERROR_CODES,
  type ErrorCode,
  RvbbitError,
  type SourcePlace,
  type Stage,
} from './errors.ts';
export type { JournalEntry, JournalRecord } from './journal/records.ts';
export type { Json, JsonObject } from './json.ts';
export type {
  ChatMessage,
  ChatRequest,
  ChatResponse,
  ModelFunction,
  Usage,
} from './model/chat.ts';
export type { EngineOptions, Logger, QueryOptions } from './options.ts';
export type {
  CellEstimate,
  CostEstimate,
  Estimate,
  ExplainActual,
  ExplainNode,
  ExplainReport,
  Notice,
  QueryResult,
  ResultColumn,
  Row,
  RowAccount,
  RowFailure,
  RowStream,
  StatementKind,
  Summary,
  ValueForm,
} from './result.ts';
