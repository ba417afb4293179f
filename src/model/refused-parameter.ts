/**
 * Finds the parameter that a provider's error refuses. OpenAI names it in `param` and `code`. Other providers name it
 * in a sentence or a list, such as Gemini's `Unknown name "seed": Cannot find field`, Anthropic's
 * `temperature is deprecated for this model` and Mistral's `{ loc: ['body', 'seed'], type: 'extra_forbidden' }`.
 */
import type { RefusedParameter } from './parameters.ts';

/** The statuses of errors that refuse a parameter. */
const STATUSES: ReadonlySet<number> = new Set([400, 422]);
const REFUSAL =
  /unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|forbidden|deprecated/i;
/** Refusals of a schema that do not name its parameter, such as `The compiled grammar is too large`. */
const OF_SCHEMA = /structured output|output[_ ]format|\bschema\b|compiled grammar/i;
/** Parameters that the engine adds by itself. A call without them asks the same, so that any mention is a refusal. */
const OWN: ReadonlySet<string> = new Set(['output_config', 'prompt_cache_key']);
/** The number of characters that are read of an error's texts. */
const MOST_CHARS = 4096;
/** The number of nesting levels that are read of an error. */
const MOST_LEVELS = 8;

/** Returns the refused parameter; undefined if the error has another reason. `sent`: names of the sent parameters. */
export function refusedParameter(
  status: number,
  body: unknown,
  sent: readonly string[],
): RefusedParameter | undefined {
  if (!STATUSES.has(status)) return undefined;
  const texts = textsIn(body);
  const said = texts.join('\n').slice(0, MOST_CHARS);
  const named = sent.find((name) => texts.includes(name)) ?? firstNamed(said, sent);
  const parameter = (REFUSAL.test(said) ? named : undefined) ?? ownIn(said, sent);
  if (parameter === undefined) return undefined;
  const instead = OWN.has(parameter)
    ? undefined
    : /\bUse ['"`]([a-z_]{1,64})['"`] instead\b/.exec(said)?.[1];
  return { parameter, ...(instead === undefined ? {} : { instead }) };
}

/** Returns the parameter of the engine's own that the text is about. */
function ownIn(said: string, sent: readonly string[]): string | undefined {
  const words = said.toLowerCase();
  return sent.find(
    (name) =>
      OWN.has(name) && (words.includes(name) || (name === 'output_config' && OF_SCHEMA.test(said))),
  );
}

/**
 * Returns the parameter that the text names first. The name must be in quotes, start a line before a colon or `is`, or
 * end a line after a colon, because names such as `stop` and `user` are also words of prose.
 */
function firstNamed(said: string, sent: readonly string[]): string | undefined {
  const places = sent.flatMap((name) => {
    const at = said.search(
      new RegExp(
        `(["'\`])${literal(name)}\\1|^${literal(name)}(?=(?:\\.\\w+)*:| is\\b)|: ${literal(name)}$`,
        'm',
      ),
    );
    return at === -1 ? [] : [{ name, at }];
  });
  return places.sort((a, b) => a.at - b.at)[0]?.name;
}

const literal = (name: string): string => name.replace(/[^\w]/g, '\\$&');

/** Returns every string in a JSON value, in order. */
function textsIn(value: unknown, levels = MOST_LEVELS): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || levels === 0) return [];
  return Object.values(value).flatMap((inner) => textsIn(inner, levels - 1));
}
