/** Which parameters a model takes, and under which names. A cell names them as OpenAI's first chat models did. */
import type { Json, JsonObject } from '../util/json.ts';

/** What is done with a call's parameters before they are sent, in this order. */
export interface ParameterChanges {
  /** Left out: the model refuses them. */
  readonly drop?: readonly string[];
  /** The model's name by the cell's, e.g. `max_tokens: max_completion_tokens`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Sent where the cell does not say them. */
  readonly add?: JsonObject;
}

/** Of a provider; those of a model come after those of all. */
export interface ParameterRules extends ParameterChanges {
  /** By the model's name at the provider. */
  readonly models?: Readonly<Record<string, ParameterChanges>>;
}

/** A parameter that a model does not take, and the name that it takes instead, where it says so. */
export interface RefusedParameter {
  readonly parameter: string;
  readonly instead?: string;
}

/** What a model's refusals have taught. */
export type LearnedChanges = Required<Pick<ParameterChanges, 'drop' | 'rename'>>;

const OPENAI_HOST = 'api.openai.com';
/** Reasoning models sample at one temperature: https://platform.openai.com/docs/guides/reasoning */
const REASONING_MODEL = /^(?:o\d|gpt-5)(?!.*-chat)/;
const NOT_FOR_REASONING = ['temperature', 'top_p'];

/** What is known of a host's models without being told: https://platform.openai.com/docs/api-reference/chat/create */
function knownChanges(baseUrl: string, model: string): ParameterChanges {
  if (!URL.canParse(baseUrl) || new URL(baseUrl).host !== OPENAI_HOST) return {};
  return {
    rename: { max_tokens: 'max_completion_tokens' },
    ...(REASONING_MODEL.test(model) ? { drop: NOT_FOR_REASONING } : {}),
  };
}

/** The parameters as the model takes them: by what is known of its server or told by the operator, then by what was learned. */
export function parametersFor(
  {
    baseUrl,
    parameters: rules = {},
  }: { readonly baseUrl: string; readonly parameters?: ParameterRules },
  model: string,
  parameters: JsonObject,
  learned?: ParameterChanges,
): JsonObject {
  const { models = {}, ...ofAll } = rules;
  const ofModel = Object.hasOwn(models, model) ? models[model] : undefined;
  const told = [ofAll, ofModel].filter((one) => one !== undefined);
  // What the operator says of a parameter counts, over what is known without it.
  const known = told.some(({ drop, rename }) => drop ?? rename)
    ? []
    : [knownChanges(baseUrl, model)];
  return [...known, ...told, ...(learned === undefined ? [] : [learned])].reduce(
    changed,
    parameters,
  );
}

function changed(parameters: JsonObject, { drop = [], rename = {}, add = {} }: ParameterChanges) {
  const result: Record<string, Json> = { ...add };
  for (const [name, value] of Object.entries(parameters)) {
    if (!drop.includes(name)) result[Object.hasOwn(rename, name) ? rename[name]! : name] = value;
  }
  return result;
}

/**
 * What has been learned with one more refusal of a parameter that was sent; the same object where that teaches nothing
 * new. A new name that is refused as well is no name: the parameter is left out.
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
  // Calls that were out when the lesson was learned are refused after it.
  if (drop.includes(parameter) || Object.hasOwn(rename, parameter)) return learned;
  return instead === undefined
    ? { drop: [...drop, parameter], rename }
    : { drop, rename: { ...rename, [parameter]: instead } };
}
