/** A prompt in a cascade file, its templates checked, and what is sent with it. */
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

/** The keys that only a model call has, beside `instructions`. */
export const MODEL_KEYS = ['system', 'model', ...PARAMETERS] as const;

type PromptFile = Pick<CellFile, 'instructions' | (typeof MODEL_KEYS)[number]>;

/** The prompt of a cell or an evaluator that has `instructions`. */
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

/** Several names are one text with commas, as WITH and annotations have them. */
export function modelNames(model: string | readonly string[]): string {
  return typeof model === 'string' ? model : model.join(', ');
}

/** Reports what is wrong with a template. */
export function checkText(path: ValuePath, value: string, report: ReportProblemAt): void {
  const problem = checkTemplate(value);
  if (problem !== undefined) report(path, `not a template: ${problem}`);
}
