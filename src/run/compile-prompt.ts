/** Compiles the prompt of a cell with `instructions`, or of an evaluator. */
import type { Cascade, Prompt } from '../cascade/cascade.ts';
import { compileTemplate, type Template } from '../cascade/template.ts';
import type { JsonObject } from '../util/json.ts';

/** A prompt's templates, with its model and parameters. */
export interface PromptProgram {
  readonly instructions: Template;
  readonly system?: Template;
  /** The model that the prompt names, else the model that its cascade names. */
  readonly model?: string;
  readonly parameters: JsonObject;
}

/** Compiles a prompt. A prompt without a model gets the model of its cascade. */
export function compilePrompt(cascade: Cascade, prompt: Prompt): PromptProgram {
  const { instructions, system, parameters = {}, model = cascade.model } = prompt;
  return {
    instructions: compileTemplate(instructions),
    ...(system === undefined ? {} : { system: compileTemplate(system) }),
    ...(model === undefined ? {} : { model }),
    parameters,
  };
}

/** Returns the text that tells a model which schema its answer must fit. */
export function schemaInstruction(schema: JsonObject): string {
  return `Answer with one JSON value that fits this JSON Schema, and with nothing else: no prose, no Markdown.\n${JSON.stringify(schema)}`;
}
