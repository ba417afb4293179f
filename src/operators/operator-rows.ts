/** The rows of `SHOW RVBBIT OPERATORS` and of `rvbbit ops list`. */
import type { ResultColumn, Row } from '../result.ts';
import { spellingsOf } from './check-call.ts';
import { requiredArgs } from './function-file.ts';
import type { LoadedOperators } from './merge-operators.ts';

/** The columns of `operatorRows`, in their order. */
export const OPERATOR_COLUMNS: readonly ResultColumn[] = [
  'name',
  'shape',
  'spellings',
  'arguments',
  'returns',
  'source',
  'description',
].map((name) => ({ name, type: 'VARCHAR' }));

/**
 * Returns a row for each operator, by name. Optional arguments stand in square brackets. `source` is `built-in`, or the operator's file. For a broken operator,
 * `description` says what is wrong and where, and what the file would say is NULL.
 */
export function operatorRows({ operators, broken, files }: LoadedOperators): readonly Row[] {
  return [...operators.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((operator): Row => {
      const { name } = operator;
      const source = operator.source === 'file' ? (files.get(name) ?? '') : operator.source;
      const error = broken.get(name);
      if (error !== undefined) {
        const description = `broken: ${error.message.split('\n').at(-1) ?? ''}`;
        const unknown = { shape: null, spellings: null, arguments: null, returns: null };
        return { name, ...unknown, source, description };
      }
      const { shape, args, returns, cascade } = operator;
      const required = requiredArgs(operator);
      const typed = args
        .map((arg) => `${arg.name} ${arg.type}`)
        .map((arg, index) => (index < required ? arg : `[${arg}]`));
      return {
        name,
        shape,
        spellings: spellingsOf(operator).join('; '),
        arguments: typed.join(', '),
        returns,
        source,
        description: cascade.description ?? null,
      };
    });
}
