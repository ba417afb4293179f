/** Chooses among the takes of a cell: a model or a cascade says which take is the best. */
import type { JsonValidator } from '../../cascade/json-validator.ts';
import { RvbbitError } from '../../errors.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import { schemaInstruction } from '../compile-prompt.ts';
import type { EvaluatorProgram, InstructionsCellProgram } from '../program.ts';
import { beginStep, type Run } from '../run-state.ts';
import { type RunNested, runWithin } from './cascade.ts';
import { runInstructionsCell } from './instructions.ts';

/** Returns the index of the best of `takes`, from 0. A model that answers with anything else is asked once more. */
export async function chooseTake(
  evaluator: EvaluatorProgram,
  run: Run,
  takes: readonly Json[],
  runNested: RunNested,
): Promise<number> {
  const last = takes.length - 1;
  const { refusals, ...rest } = run;
  const judging: Run = { ...rest, given: { takes } };
  if (evaluator.kind === 'cascade') {
    beginStep(run, evaluator.label);
    const answer = await runWithin(evaluator, judging, { input: run.input, takes }, runNested);
    return readIndex(answer, last, evaluator.label);
  }
  beginStep(run, evaluator.cell.label);
  const cell = judgeOf(evaluator.cell, last);
  const answer = await runInstructionsCell(cell, judging, run.outputs);
  return readIndex(answer, last, cell.label);
}

/** Returns the cell that chooses among the takes 0 to `last`. */
export function judgeOf(cell: InstructionsCellProgram, last: number): InstructionsCellProgram {
  const schema = indexSchema(last);
  const checkOutput: JsonValidator = (value) =>
    indexOf(value, last) === undefined
      ? { path: '', message: `must be {"best": index} with an index from 0 to ${last}` }
      : undefined;
  return { ...cell, schema, schemaInstruction: schemaInstruction(schema), checkOutput };
}

function indexSchema(last: number): JsonObject {
  const best = { type: 'integer', minimum: 0, maximum: last };
  return {
    type: 'object',
    required: ['best'],
    properties: { best },
    additionalProperties: false,
  };
}

function readIndex(answer: Json, last: number, label: string): number {
  const index = indexOf(answer, last);
  if (index !== undefined) return index;
  const message = `${label}: it must give the index of a take, 0 to ${last}, or { best: index }`;
  throw new RvbbitError('RVB_ANSWER_INVALID', message, { stage: 'execute' });
}

/** Returns the index in an answer, if it is the index of a take. */
export function indexOf(answer: Json, last: number): number | undefined {
  const isObject = typeof answer === 'object' && answer !== null && !Array.isArray(answer);
  const index = isObject ? (answer as JsonObject)['best'] : answer;
  const isIndex = Number.isInteger(index) && (index as number) >= 0 && (index as number) <= last;
  return isIndex ? (index as number) : undefined;
}
