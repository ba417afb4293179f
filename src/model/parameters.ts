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

/** What the refusals of one provider's models have taught. */
export class ParameterLessons {
  readonly #baseUrl: string;
  readonly #rules: ParameterRules;
  /** By model. */
  readonly #learned = new Map<string, ParameterChanges>();

  constructor(baseUrl: string, rules: ParameterRules = {}) {
    this.#baseUrl = baseUrl;
    this.#rules = rules;
  }

  /** The parameters as the model takes them. */
  applied(model: string, parameters: JsonObject): JsonObject {
    const { models = {}, ...ofAll } = this.#rules;
    const ofModel = Object.hasOwn(models, model) ? models[model] : undefined;
    const told = [ofAll, ofModel].filter((one) => one !== undefined);
    // What the operator says of a parameter counts, over what is known without it.
    const known = told.some(({ drop, rename }) => drop ?? rename)
      ? []
      : [knownChanges(this.#baseUrl, model)];
    const learned = this.#learned.get(model);
    return [...known, ...told, ...(learned === undefined ? [] : [learned])].reduce(
      changed,
      parameters,
    );
  }

  /**
   * Takes note that the model refused a parameter that was sent; `instead` is the name that it wants. False where it was
   * not sent, so that asking again would change nothing.
   */
  learn(model: string, sent: JsonObject, refused: string, instead: string | undefined): boolean {
    if (!Object.hasOwn(sent, refused)) return false;
    const { drop = [], rename = {} } = this.#learned.get(model) ?? {};
    this.#learned.set(
      model,
      instead === undefined
        ? { drop: [...new Set([...drop, refused])], rename }
        : { drop, rename: { ...rename, [refused]: instead } },
    );
    return true;
  }
}

function changed(parameters: JsonObject, { drop = [], rename = {}, add = {} }: ParameterChanges) {
  const result: Record<string, Json> = { ...add };
  for (const [name, value] of Object.entries(parameters)) {
    if (!drop.includes(name)) result[Object.hasOwn(rename, name) ? rename[name]! : name] = value;
  }
  return result;
}
