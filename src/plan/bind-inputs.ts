/** Binds the inputs of a run to the columns of the statement's query. */
import type { Cascade } from '../cascade/cascade.ts';
import { refuseMissingInputs } from '../cascade/check-inputs.ts';
import { RUN_INPUTS } from '../cascade/read-inputs.ts';
import type { Column } from '../duck/session.ts';
import { RvbbitError } from '../errors.ts';
import type { InputColumn } from '../plan/plan.ts';
import { findColumn } from '../util/find-column.ts';

/**
 * Returns the columns that a MAP gives each run. Throws RVB_TYPE_MISMATCH if a required input has no column, and
 * RVB_CASCADE_INVALID if a template reads an input without a column.
 */
export function bindInputs(cascade: Cascade, columns: readonly Column[]): readonly InputColumn[] {
  const missing = cascade.requiredInputs.filter((name) => findColumn(columns, name) === undefined);
  if (missing.length > 0) {
    throw new RvbbitError(
      'RVB_TYPE_MISMATCH',
      `${cascade.file} needs the input${missing.length === 1 ? '' : 's'} ${missing.join(', ')}; the query has the columns ${listNames(columns)}. Select it, or rename a column: SELECT … AS ${missing[0]}`,
      { stage: 'bind' },
    );
  }
  const wanted =
    cascade.inputColumns === 'all' ? columns.map(({ name }) => name) : cascade.inputColumns;
  const inputs = wanted.flatMap((input) => {
    const column = findColumn(columns, input);
    return column === undefined ? [] : [{ input, column: column.name }];
  });
  checkBlobs(cascade, columns);
  const names = inputs.map(({ input }) => input);
  refuseMissingInputs(cascade, names, `the query has the columns ${listNames(columns)}`, columns);
  return inputs;
}

/** Checks that images are BLOBs and that prompts read no BLOB as text. Throws RVB_TYPE_MISMATCH. */
function checkBlobs(cascade: Cascade, columns: readonly Column[]): void {
  const refuse = (message: string): never => {
    throw new RvbbitError('RVB_TYPE_MISMATCH', message, { stage: 'bind' });
  };
  for (const cell of cascade.cells) {
    for (const name of cell.kind === 'instructions' ? (cell.images ?? []) : []) {
      const type = findColumn(columns, name)?.type;
      if (type !== undefined && type !== 'BLOB') {
        const what = `${cascade.file}: cell ${cell.name} sends input.${name} as an image, and the column is ${type}`;
        refuse(`${what}; images are BLOBs: select the bytes, e.g. content of read_blob('*.png')`);
      }
    }
  }
  for (const { name, place } of cascade.promptReads) {
    if (findColumn(columns, name)?.type !== 'BLOB') continue;
    const what = `${cascade.file}:${place.line}: the prompt reads input.${name}, which is a BLOB and no text`;
    refuse(
      `${what}; send it as an image, images: [input.${name}], or select a text, e.g. decode(${name})`,
    );
  }
}

/** Throws RVB_CASCADE_INVALID if a template reads an input that a RUN does not give. */
export function checkRunInputs(cascade: Cascade): void {
  refuseMissingInputs(cascade, RUN_INPUTS, `a RUN gives ${RUN_INPUTS.join(', ')}`);
}

/** Returns the first ten names for a message. */
export function listNames(columns: readonly { readonly name: string }[]): string {
  const names = columns.slice(0, 10).map(({ name }) => name);
  return names.join(', ') + (columns.length > names.length ? ', …' : '');
}
