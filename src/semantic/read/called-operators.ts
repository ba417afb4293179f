/** Finds the operator at each place of a statement, and checks the number of its arguments. */
import type { Span } from '../../../grammar/ast.ts';
import { type CallArgument, callArguments } from '../../../grammar/semantic/call-arguments.ts';
import type { SemanticSpan } from '../../../grammar/semantic/find-operators.ts';
import type { Cascade } from '../../cascade/cascade.ts';
import { refuseCells } from '../../cascade/refuse-cells.ts';
import { RvbbitError } from '../../errors.ts';
import { checkArity, signatureOf } from '../../operators/check-call.ts';
import { criterionFirst, criterionFirstOf } from '../../operators/criterion-first.ts';
import type { Operator, OperatorRegistry } from '../../operators/operator.ts';
import { SEED_FUNCTIONS, type SeedFunction, seedFunctionOf } from '../../operators/seed-call.ts';
import { seedOperator } from '../../operators/seed-operator.ts';
import { checkRunInputs } from '../../plan/bind-inputs.ts';
import { sourceError } from './source-error.ts';

/**
 * The operator at each place. All calls of a seed function that name the same cascade share one operator, and so do all
 * calls of `matches`.
 */
export async function calledOperators(
  source: string,
  spans: readonly SemanticSpan[],
  registry: OperatorRegistry,
  cascadeRoots: readonly string[],
): Promise<readonly Operator[]> {
  const shared = new Map<string, Operator>();
  const operators: Operator[] = [];
  for (const span of spans) {
    const args = span.kind === 'call' ? callArguments(source, span) : undefined;
    const seed = registry.byFunction(span.operator) ? undefined : seedFunctionOf(span.operator);
    if (seed === undefined) {
      const swapped = isNamed(registry, span.operator)
        ? undefined
        : criterionFirstOf(span.operator);
      const operator =
        swapped === undefined
          ? operatorNamed(registry, span.operator)
          : (shared.get(swapped) ?? criterionFirst(swapped, operatorNamed(registry, 'MEANS')));
      if (swapped !== undefined) shared.set(swapped, operator);
      if (args !== undefined) refuseArguments(source, span, operator, args);
      operators.push(operator);
      continue;
    }
    const cascade =
      seed === 'semantic_batch_matches'
        ? operatorNamed(registry, 'MEANS').cascade
        : await namedCascade(
            cascadeRoots,
            source,
            literalPath(source, span, seed, args ?? []),
            seed,
          );
    const key = `${seed} ${cascade.file}`;
    const operator = shared.get(key) ?? seedOperator(seed, cascade);
    shared.set(key, operator);
    if (seed === 'rvbbit_run_batch') checkRunInputs(operator.cascade);
    refuseArguments(source, span, operator, args ?? []);
    operators.push(operator);
  }
  return operators;
}

function isNamed({ operators, byFunction }: OperatorRegistry, name: string): boolean {
  return operators.has(name) || byFunction(name) !== undefined;
}

function operatorNamed(registry: OperatorRegistry, name: string): Operator {
  const operator = registry.operators.get(name) ?? registry.byFunction(name);
  if (operator === undefined) throw new Error(`no operator is called ${name}`);
  const list = operator.args.find(({ type }) => type.endsWith('[]'));
  if (operator.shape !== 'SCALAR') throw notYet(`an operator of shape ${operator.shape}`, operator);
  if (list !== undefined) throw notYet(`an operator with an argument ${list.type}`, operator);
  return operator;
}

function notYet(what: string, { name }: Operator): RvbbitError {
  return new RvbbitError(
    'RVB_UNSUPPORTED',
    `${name} is ${what}, which this version does not execute yet`,
    { stage: 'bind' },
  );
}

interface LiteralPath {
  readonly literal: string;
  readonly span: Span;
}

/**
 * Loads the cascade that a call names. An error within its file has its place there; any other error is placed at the
 * name.
 */
async function namedCascade(
  roots: readonly string[],
  source: string,
  { literal: path, span }: LiteralPath,
  seed: SeedFunction,
): Promise<Cascade> {
  const { loadCascade } = await import('../../cascade/load-cascade.ts');
  try {
    const cascade = await loadCascade(roots, path);
    refuseCells(cascade, seed === 'rvbbit_run_batch' ? 'run' : 'map');
    return cascade;
  } catch (thrown) {
    const isPlaced = !(thrown instanceof RvbbitError) || thrown.place !== undefined;
    throw isPlaced ? thrown : sourceError(thrown.code, thrown.message, source, span.start);
  }
}

/** The path that a call names, which must be a literal: the statement's text alone decides which cascades may run. */
function literalPath(
  source: string,
  { span }: SemanticSpan,
  seed: SeedFunction,
  [first]: readonly CallArgument[],
): LiteralPath {
  if (first?.literal !== undefined) return { literal: first.literal, span: first.span };
  const message = `${seed} takes the cascade as a text literal, e.g. 'enrich.yaml': what a row says is never a path: ${SEED_FUNCTIONS[seed]}`;
  throw sourceError('RVB_TYPE_MISMATCH', message, source, first?.span.start ?? span.start);
}

/** Throws for named arguments and for a wrong number of them: DuckDB would ignore the name in `name := value`. */
function refuseArguments(
  source: string,
  { span }: SemanticSpan,
  operator: Operator,
  args: readonly CallArgument[],
): void {
  const named = args.find(({ name }) => name !== undefined);
  if (named !== undefined) {
    const message = `${operator.name} takes its arguments by their places, and got ${named.name} := …: ${signatureOf(operator)}`;
    throw sourceError('RVB_TYPE_MISMATCH', message, source, named.span.start);
  }
  const wrong = checkArity(operator, args.length);
  if (wrong !== undefined) throw sourceError('RVB_TYPE_MISMATCH', wrong, source, span.start);
}
