/** The operators and cascades of an engine, as tools list functions. */
import type { Engine } from '../../engine.ts';
import type { ListedFunction } from './catalogue/definitions.ts';

interface Shown {
  readonly description: string | null;
}

/** Reads what SHOW RVBBIT OPERATORS and SHOW RVBBIT CASCADES say. An operator that cannot be called as a function is left out. */
export async function listedFunctions(engine: Engine): Promise<readonly ListedFunction[]> {
  const operators = await engine.query<
    Shown & { name: string; shape: string | null; arguments: string | null; returns: string | null }
  >('SHOW RVBBIT OPERATORS');
  const cascades = await engine.query<Shown & { path: string; inputs: string | null }>(
    'SHOW RVBBIT CASCADES',
  );
  return [
    ...operators.rows
      .filter(({ shape }) => shape === 'SCALAR')
      .map(({ name, arguments: given, returns, description }) =>
        listed(`semantic_${name.toLowerCase()}`, given, returns, description),
      ),
    ...cascades.rows.map(({ path, inputs, description }) =>
      listed(path, inputs, null, description),
    ),
  ];
}

/** `given` is a list such as `text VARCHAR, [focus VARCHAR]`, or of names alone. */
function listed(
  name: string,
  given: string | null,
  returns: string | null,
  description: string | null,
): ListedFunction {
  const list = (given ?? '').split(', ').filter((one) => /^\[?\w/.test(one));
  return {
    name,
    schema: 'main',
    arguments: list.map((one) => {
      const [argument = '', type = 'VARCHAR'] = one.replace(/[[\]]/g, '').split(' ');
      return { name: argument, type };
    }),
    returns: returns ?? 'VARCHAR',
    description: description ?? '',
  };
}
