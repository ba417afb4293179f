/** Adapts parameters to a model. Cells use the parameter names of OpenAI's first chat models. */
import type { Json, JsonObject } from '../util/json.ts';

/** Changes to a call's parameters before they are sent. */
export interface ParameterChanges {
  /** Parameters to leave out, because the model refuses them. */
  readonly drop?: readonly string[];
  /** The model's name for each name of a cell, e.g. `max_tokens: max_completion_tokens`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Parameters to send if the cell does not set them. */
  readonly add?: JsonObject;
}

/** The changes for all models of a provider. Changes for a single model are applied after them. */
export interface ParameterRules extends ParameterChanges {
  /** Changes by the model's name at the provider. */
  readonly models?: Readonly<Record<string, ParameterChanges>>;
}

/** A parameter that a model refuses, and `instead`, the name that the error tells to use. */
export interface RefusedParameter {
  readonly parameter: string;
  readonly instead?: string;
}

/** The changes that were learned from a model's refusals. */
export type LearnedChanges = Required<Pick<ParameterChanges, 'drop' | 'rename'>>;

const OPENAI_HOST = 'api.openai.com';
const ANTHROPIC_HOST = 'api.anthropic.com';
/** Models without structured output: https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
const UNSTRUCTURED_MODEL = /^claude-(?:[0-3]|instant|(?:opus|sonnet)-4-(?:0$|20))/;
/** OpenAI's reasoning models, which accept no temperature: https://platform.openai.com/docs/guides/reasoning */
const REASONING_MODEL = /^(?:o\d|gpt-5)(?!.*-chat)/;
const NOT_FOR_REASONING = ['temperature', 'top_p'];

/** Returns the built-in changes for a model: https://platform.openai.com/docs/api-reference/chat/create */
function knownChanges(baseUrl: string, model: string): ParameterChanges {
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).host : '';
  if (host === ANTHROPIC_HOST && UNSTRUCTURED_MODEL.test(model)) return { drop: ['output_config'] };
  if (host !== OPENAI_HOST) return {};
  return {
    rename: { max_tokens: 'max_completion_tokens' },
    ...(REASONING_MODEL.test(model) ? { drop: NOT_FOR_REASONING } : {}),
  };
}

/**
 * Returns the parameters for a model: after the operator's changes, else the built-in ones, and the learned ones.
 * `implied` returns what the engine adds by itself to these; of it, only what is to be left out counts.
 */
export function parametersFor(
  {
    baseUrl,
    parameters: rules = {},
  }: { readonly baseUrl: string; readonly parameters?: ParameterRules },
  model: string,
  parameters: JsonObject,
  learned?: ParameterChanges,
  implied: (told: JsonObject) => JsonObject = () => ({}),
): JsonObject {
  const { models = {}, ...ofAll } = rules;
  const ofModel = Object.hasOwn(models, model) ? models[model] : undefined;
  const told = [ofAll, ofModel].filter((one) => one !== undefined);
  // If the operator drops or renames any parameter, the built-in changes are not used.
  const known = told.some(({ drop, rename }) => drop ?? rename)
    ? []
    : [knownChanges(baseUrl, model)];
  const changes = [...known, ...told, ...(learned === undefined ? [] : [learned])];
  const sent = changes.reduce(changed, parameters);
  const drop = changes.flatMap((one) => one.drop ?? []);
  return { ...sent, ...changed(implied(sent), { drop }) };
}

function changed(parameters: JsonObject, { drop = [], rename = {}, add = {} }: ParameterChanges) {
  const result: Record<string, Json> = { ...add };
  for (const [name, value] of Object.entries(parameters)) {
    if (!drop.includes(name)) result[Object.hasOwn(rename, name) ? rename[name]! : name] = value;
  }
  return result;
}

/**
 * Adds one refusal of a sent parameter to what was learned. Returns the same object if the refusal is already known. If
 * the model also refuses the new name of a renamed parameter, the parameter is dropped.
 */
export function withRefusal(
  learned: LearnedChanges,
  { parameter, instead }: RefusedParameter,
): LearnedChanges {
  const { drop, rename } = learned;
  const asCellSays = Object.entries(rename).find(([, name]) => name === parameter)?.[0];
  if (asCellSays !== undefined) {
    const { [asCellSays]: _refused, ...others } = rename;
    return { drop: [...drop, asCellSays], rename: others };
  }
  // Calls that were in flight when the first refusal came may be refused after it.
  if (drop.includes(parameter) || Object.hasOwn(rename, parameter)) return learned;
  return instead === undefined
    ? { drop: [...drop, parameter], rename }
    : { drop, rename: { ...rename, [parameter]: instead } };
}
