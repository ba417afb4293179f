/** The public API. */

export { Purse } from './calls/purse.ts';
export type { Cascade, Cell, TestCase } from './cascade/cascade.ts';
export type { Parameters } from './duck/parameters.ts';
export { Engine } from './engine.ts';
export type { EngineSession } from './engine-session.ts';
export { ERROR_CODES, type ErrorCode } from './error-codes.ts';
export { RvbbitError, type SourcePlace, type Stage } from './errors.ts';
export type { JournalEntry, JournalRecord } from './journal/records.ts';
export type {
  ChatMessage,
  ChatRequest,
  ChatResponse,
  ModelFunction,
  Usage,
} from './model/chat.ts';
export type { DescribeOptions, EngineOptions, QueryOptions, SessionOptions } from './options.ts';
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
  StatementDescription,
  StatementKind,
  Summary,
  ValueForm,
} from './result.ts';
export type { RunOutcome } from './run/contract.ts';
export type { Json, JsonObject } from './util/json.ts';
export type { Logger } from './util/logger.ts';
