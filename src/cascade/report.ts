/** What the checks of a cascade's cells are given: who to tell, and where they are. */
import type { ErrorCode } from '../error-codes.ts';
import type { ValuePath } from './parse-yaml.ts';

/** Reports a problem at a path below what is checked. */
export type ReportProblemAt = (path: ValuePath, message: string, code?: ErrorCode) => void;

/** Where a cell's text stands. */
export interface Origin {
  readonly file: string;
  /** 1-based line on which the text at a path below the cell begins. */
  lineOf(path: ValuePath): number;
}
