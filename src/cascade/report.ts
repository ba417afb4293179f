/** The types with which the checks of a cascade's cells report problems and find places. */
import type { ErrorCode } from '../error-codes.ts';
import type { ValuePath } from './parse-yaml.ts';

/** Reports a problem at a path, relative to the checked part. */
export type ReportProblemAt = (path: ValuePath, message: string, code?: ErrorCode) => void;

/** The place of a cell's text. */
export interface Origin {
  readonly file: string;
  /** Returns the 1-based line on which the text at a path below the cell begins. */
  lineOf(path: ValuePath): number;
}
