/** Runs SHOW RVBBIT CASCADES and SHOW RVBBIT OPERATORS. */
import type { ShowStatement } from '../../grammar/ast.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { findCascades } from '../cascade/find-cascades.ts';
import { loadCascade } from '../cascade/load-cascade.ts';
import type { Delivered } from '../deliver/delivered.ts';
import { messageOf } from '../errors.ts';
import type { Statement } from '../execute/statement.ts';
import { modelNames } from '../model/models.ts';
import { loadOperators } from '../operators/load-operators.ts';
import { OPERATOR_COLUMNS, operatorRows } from '../operators/operator-rows.ts';
import type { ResultColumn, Row } from '../result.ts';

/** The columns of SHOW RVBBIT CASCADES, in their order. */
const CASCADE_COLUMNS: readonly ResultColumn[] = [
  { name: 'path', type: 'VARCHAR' },
  { name: 'inputs', type: 'VARCHAR' },
  { name: 'cells', type: 'VARCHAR' },
  { name: 'asks_model', type: 'BOOLEAN' },
  { name: 'description', type: 'VARCHAR' },
];

/** Returns a row for each cascade of the roots, or for each operator. Runs nothing. */
export async function showStatement(
  { what }: { readonly what: Exclude<ShowStatement['what'], 'jobs'> },
  { cascadeRoots }: Statement,
): Promise<Delivered> {
  const roots = await cascadeRoots();
  if (what === 'operators') {
    return delivered(OPERATOR_COLUMNS, operatorRows(await loadOperators(roots)));
  }
  const rows: Row[] = [];
  for (const path of await findCascades(roots)) {
    rows.push(
      await loadCascade(roots, path).then(
        (cascade) => cascadeRow(path, cascade),
        (thrown: unknown) => brokenRow(path, thrown),
      ),
    );
  }
  return delivered(CASCADE_COLUMNS, rows);
}

function delivered(columns: readonly ResultColumn[], rows: readonly Row[]): Delivered {
  return { columns, rows, rowCount: rows.length, notices: [] };
}

function cascadeRow(path: string, cascade: Cascade): Row {
  return {
    path,
    inputs: inputsText(cascade),
    cells: cascade.cells.map(({ name }) => name).join(', '),
    asks_model: modelNames(cascade).size > 0,
    description: cascade.description ?? null,
  };
}

/** Returns the row of a file that is wrong. Its description is the first problem, with its place. */
function brokenRow(path: string, thrown: unknown): Row {
  const [head, first] = messageOf(thrown).split('\n');
  const description = `broken: ${first ?? head}`;
  return { path, inputs: null, cells: null, asks_model: null, description };
}

/** Returns the names of the columns that a cascade reads: `a, b`. Those that a row need not have stand in square brackets. */
function inputsText({ inputColumns, requiredInputs, inputReads }: Cascade): string {
  if (inputColumns === 'all') return 'all columns';
  const needed = new Set(requiredInputs);
  for (const { name, isOptional } of inputReads) if (!isOptional) needed.add(name);
  return inputColumns.map((name) => (needed.has(name) ? name : `[${name}]`)).join(', ');
}
