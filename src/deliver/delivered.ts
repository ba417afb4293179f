/** The result of a statement before its summary is added, and the notices for the caller. */
import { quoteIdentifier } from '../duck/quote.ts';
import type { ResultReader } from '../duck/reader.ts';
import { MAP_DEFAULT_ROWS, RUN_DEFAULT_ROWS } from '../limits.ts';
import type { Notice, ResultColumn, Row, Summary, ValueForm } from '../result.ts';
import type { StatementSignal } from '../util/statement-signal.ts';

export interface Delivered {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly Row[];
  readonly rowCount: number;
  readonly notices: readonly Notice[];
  /** The rows in place of `rows`, of a result with more than `rowsAtOnce`. All of them are known. */
  readonly laterRows?: AsyncGenerator<readonly Row[], void>;
}

/** The result of a statement that had nothing to do. */
export const NOTHING: Delivered = { columns: [], rows: [], rowCount: 0, notices: [] };

/** Returns a DuckDB result without changes. */
export async function deliverReader(
  reader: ResultReader,
  form: ValueForm,
  notices: readonly Notice[] = [],
): Promise<Delivered> {
  if (!reader.returnsRows) {
    return { columns: [], rows: [], rowCount: reader.changes ?? 0, notices };
  }
  const columns = reader.columns.map(({ name, type }) => ({ name, type }));
  return { columns, rows: await reader.rows(form), rowCount: reader.rowCount, notices };
}

/**
 * Returns the notice that a statement ended before all its rows were run; none if it ran to its end. `intoTable`: the
 * rows were to go into a table. `asTable`: a table that is not written besides.
 */
export function endNotices(
  { stop }: { readonly stop: StatementSignal },
  intoTable = false,
  asTable?: string,
): readonly Notice[] {
  if (stop.drained === undefined) return [];
  const why = stop.drained === 'budget' ? 'its budget was used up' : 'it was interrupted';
  const besides = asTable === undefined ? '' : `, and ${asTable} is not written`;
  const what = intoTable ? 'nothing was written' : `rows that were not run are left out${besides}`;
  const message = `the statement ended early: ${why}; ${what}. Run it again to go on from there`;
  return [{ code: 'incomplete', message }];
}

/** Returns a notice for each warning about a cascade. */
export function cascadeNotices(warnings: readonly string[]): readonly Notice[] {
  return warnings.map((message) => ({ code: 'cascade_warning', message }));
}

/** Returns the notice that the default limit cut rows off. */
export function limitNotice(kind: 'map' | 'run'): Notice {
  const rows = kind === 'map' ? MAP_DEFAULT_ROWS : RUN_DEFAULT_ROWS;
  return {
    code: 'default_limit',
    message: `only the first ${rows} rows were read, the default of ${kind.toUpperCase()}; say LIMIT in the query or WITH (limit = …) for more`,
  };
}

/** Returns the notice that a temp table made by the statement hides another table with the same name. */
export function shadowNotice(table: string): Notice {
  const message = `the temp table ${table} now hides the table of that name in this session; DROP TABLE temp.${quoteIdentifier(table)} brings it back`;
  return { code: 'shadowed_table', message };
}

/** Returns the notices that follow from the summary of an ended statement. */
export function summaryNotices(summary: Summary): readonly Notice[] {
  const { calls, refusedParameters = [], fallbacks = [] } = summary;
  const notices: Notice[] = [];
  const { possiblyPaidTwice: count } = calls;
  if (count > 0) {
    const were = count === 1 ? '1 call was' : `${count} calls were`;
    const message = `${were} in flight when an earlier run was killed; made again, and possibly paid twice`;
    notices.push({ code: 'possibly_paid_twice', message });
  }
  for (const { model, parameter, instead } of refusedParameters) {
    const how = instead === undefined ? 'without it' : `with ${instead} in its place`;
    const told =
      instead === undefined ? `drop: [${parameter}]` : `rename: { ${parameter}: ${instead} }`;
    const message = `${model} refuses the parameter ${parameter}: its calls are made ${how} from now on; to say so ahead: parameters: { ${told} } at its provider`;
    notices.push({ code: 'parameter_refused', message });
  }
  for (const { model, insteadOf, calls: answers } of fallbacks) {
    const message = `${model} gave ${answers === 1 ? '1 answer' : `${answers} answers`} in place of ${insteadOf}, which could not be asked`;
    notices.push({ code: 'fallback_model', message });
  }
  return notices;
}
