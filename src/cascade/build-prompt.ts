/** Builds the prompt of a cell or evaluator with its model and parameters, and checks its templates. */
import type { Json, JsonObject } from '../util/json.ts';
import type { Prompt } from './cascade.ts';
import type { ValuePath } from './parse-yaml.ts';
import type { ReportProblemAt } from './report.ts';
import type { CellFile } from './schema.ts';
import { checkTemplate } from './template.ts';

const PARAMETERS = [
  'temperature',
  'top_p',
  'max_tokens',
  'reasoning_effort',
  'seed',
  'stop',
] as const;

/** The keys, besides `instructions`, that only a model call may have. */
export const MODEL_KEYS = ['system', 'model', ...PARAMETERS] as const;

type PromptFile = Pick<CellFile, 'instructions' | (typeof MODEL_KEYS)[number]>;

/** Builds the prompt of a cell or an evaluator with `instructions`. */
export function buildPrompt(file: PromptFile, report: ReportProblemAt): Prompt {
  const { instructions = '', system, model } = file;
  checkText(['instructions'], instructions, report);
  if (system !== undefined) checkText(['system'], system, report);
  const parameters: Record<string, Json> = {};
  for (const key of PARAMETERS) {
    const value = file[key];
    if (value !== undefined) parameters[key] = value;
  }
  return {
    instructions,
    ...(system === undefined ? {} : { system }),
    ...(model === undefined ? {} : { model: modelNames(model) }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters: parameters as JsonObject }),
  };
}

/** Joins several model names with commas, the form that WITH and annotations use. */
export function modelNames(model: string | readonly string[]): string {
  return typeof model === 'string' ? model : model.join(', ');
}

/** Reports a problem in a template. */
export function checkText(path: ValuePath, value: string, report: ReportProblemAt): void {
  const problem = checkTemplate(value);
  if (problem !== undefined) report(path, `not a template: ${problem}`);
}
