/** The interface of every format's writer. */
import type { Row } from '../../result.ts';

/** Takes one result set, row by row. A returned promise is back-pressure: await it before the next row. */
export interface ResultWriter {
  row(row: Row): Promise<void> | undefined;
  end(): Promise<void> | undefined;
  /** Ends a result set that stays incomplete, for writers that show rows early. */
  stop?(): void;
}

/** The settings of a writer. A writer may ignore them. */
export interface FormatSettings {
  /** True if the format must write every row, even if it would leave rows out otherwise. */
  readonly all: boolean;
  /** The width of the terminal in cells; undefined if lines may have any length. */
  readonly columns: number | undefined;
  /** Makes text faint, on a terminal that shows colours. */
  readonly dim: (text: string) => string;
}
