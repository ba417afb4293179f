/** Facts that a statement's planning found out, for EXPLAIN. */

import type { OperatorUse } from '../read/use.ts';
import type { Candidates } from './candidates.ts';

export class PlanReport {
  route: 'plan' | 'bounds' | 'rerun' = 'rerun';
  /** The reason for the route. */
  reason = '';
  /** Why rows were staged, in words; empty if none were. A query with staged rows is not run again as it was written. */
  staged = '';
  /** True if the search for what to ask was ended early, so that more was asked than is needed. */
  isRough = false;
  /** True if answers may end the asking before all questions are asked. */
  mayStop = false;
  candidates: number | undefined;
  /** The number of rows that the plain conditions leave. */
  inputRows: number | undefined;
  passes = 0;
  readonly sql: string[] = [];
  readonly selectivities = new Map<string, number>();

  note(candidates: Candidates): void {
    this.candidates = candidates.rowCount;
    this.inputRows = candidates.inputRows;
    this.sql.push(candidates.sql);
  }

  selectivity(use: OperatorUse, part: number): void {
    this.selectivities.set(use.book.operator.name, part);
  }
}
