/** A semantic statement while its answers are found. */
import type { Rewritten } from '../../grammar/semantic/rewrite.ts';
import type { ResultReader } from '../duck/reader.ts';
import type { Statement } from '../execute/statement.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import type { QuestionAsker } from './ask/asker.ts';
import type { LookUpState } from './look-up/look-up.ts';
import type { PlanReport } from './plan/plan-report.ts';
import type { PlannedSql } from './plan/planned-sql.ts';
import type { SemanticStatement } from './read/read-statement.ts';
import type { SemanticSettings } from './read/semantic-settings.ts';

/** The text that a pass runs: the statement's own, or one that the planner made. */
export type PassText = Rewritten | PlannedSql;

/** A semantic statement while it runs. */
export interface SemanticQuery {
  readonly read: SemanticStatement;
  readonly settings: SemanticSettings;
  readonly registry: OperatorRegistry;
  readonly statement: Statement;
  readonly asker: QuestionAsker;
  readonly state: LookUpState;
  readonly report: PlanReport;
  /** The tables and files that the statement writes, by name. */
  readonly targets: readonly string[];
  /** Tables that the statement staged; they are dropped at its end. */
  readonly stages: string[];
  /** Milliseconds that the search for what to ask may take, however fast the calls are. */
  readonly searchMs: number;
  /** After this time, each round asks so many times as many questions as the one before. */
  readonly roughFactor: number;
  /** Rows that the next pass is expected to look up: an estimate, or the rows of an earlier pass. */
  expectedRows: number;
  /**
   * Takes rows that are certain, before the last ones, which are the result. Resolves when they are read. Absent where
   * all rows are wanted at once.
   */
  readonly give?: ((rows: ResultReader) => Promise<void>) | undefined;
}
