/** What every format's writer has. */
import type { Row } from '../../result.ts';

/** Takes one result set, row by row. A returned promise is back-pressure: await it before the next row. */
export interface ResultWriter {
  row(row: Row): Promise<void> | undefined;
  end(): Promise<void> | undefined;
}

/** What a writer may suit itself to. */
export interface FormatSettings {
  /** Every row, where the format would leave some out. */
  readonly all: boolean;
  /** Cells across if the output is a terminal; undefined where lines may be of any length. */
  readonly columns: number | undefined;
  /** Makes text faint, on a terminal that shows colours. */
  readonly dim: (text: string) => string;
}
