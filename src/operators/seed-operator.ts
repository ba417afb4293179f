/** Makes an operator of a call of a seed function: its file is the cascade that the call names. */
import type { Cascade } from '../cascade/cascade.ts';
import { sqlFunctionOf } from './function-file.ts';
import type { Operator, OperatorArg } from './operator.ts';
import type { SeedFunction } from './seed-call.ts';

const ROWS_AND_N: readonly OperatorArg[] = [
  { name: 'rows', type: 'JSON' },
  { name: 'n', type: 'INTEGER' },
];

const ARGS: Readonly<Record<SeedFunction, readonly OperatorArg[]>> = {
  rvbbit_run: args('input JSON'),
  rvbbit_map_parallel: args('rows JSON', 'n INTEGER'),
  rvbbit_run_batch: args('rows JSON', 'as_table VARCHAR'),
  semantic_batch_matches: [{ name: 'criterion', type: 'VARCHAR' }, ...ROWS_AND_N],
};

/** The operator that the function is in calls that name this cascade. */
export function seedOperator(seed: SeedFunction, cascade: Cascade): Operator {
  return {
    name: seed,
    functionName: seed,
    shape: 'SCALAR',
    returns: seed === 'rvbbit_run' ? 'VARCHAR' : 'JSON',
    args: ARGS[seed],
    patterns: [],
    symmetric: false,
    deterministic: sqlFunctionOf(cascade)?.deterministic ?? true,
    cascade,
    source: 'file',
    seed,
  };
}

function args(...more: readonly string[]): readonly OperatorArg[] {
  return ['cascade VARCHAR', ...more].map((text) => {
    const [name = '', type = ''] = text.split(' ');
    return { name, type };
  });
}
