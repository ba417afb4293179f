/** A prompt made ready: of a cell with `instructions`, or of an evaluator. */
import type { Cascade, Prompt } from '../cascade/cascade.ts';
import { compileTemplate, type Template } from '../cascade/template.ts';
import type { JsonObject } from '../util/json.ts';

/** The templates of a prompt, and what is sent with them. */
export interface PromptProgram {
  readonly instructions: Template;
  readonly system?: Template;
  /** What the prompt, else its cascade, names. */
  readonly model?: string;
  readonly parameters: JsonObject;
}

/** Compiles a prompt; the model is the cascade's where it names none. */
export function compilePrompt(cascade: Cascade, prompt: Prompt): PromptProgram {
  const { instructions, system, parameters = {}, model = cascade.model } = prompt;
  return {
    instructions: compileTemplate(instructions),
    ...(system === undefined ? {} : { system: compileTemplate(system) }),
    ...(model === undefined ? {} : { model }),
    parameters,
  };
}

/** How a model is told of the schema that its answer must fit. */
export function schemaInstruction(schema: JsonObject): string {
  return `Answer with one JSON value that fits this JSON Schema, and with nothing else: no prose, no Markdown.\n${JSON.stringify(schema)}`;
}
