/**
 * Which parameter of a call a provider's error refuses. OpenAI says it in `param` and `code`; others say it in a
 * sentence that names the parameter, such as Gemini's `Unknown name "seed": Cannot find field`, Anthropic's
 * `temperature is deprecated for this model` and Mistral's `{ loc: ['body', 'seed'], type: 'extra_forbidden' }`.
 */
import type { RefusedParameter } from './parameters.ts';

/** The statuses of such an error. */
const STATUSES: ReadonlySet<number> = new Set([400, 422]);
const REFUSAL =
  /unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|forbidden|deprecated/i;
/** How much of an error is read: characters of its texts, and levels of nesting. */
const MOST_CHARS = 4096;
const MOST_LEVELS = 8;

/** Undefined where the error is about something else. `sent` are the names of the parameters that were sent. */
export function refusedParameter(
  status: number,
  body: unknown,
  sent: readonly string[],
): RefusedParameter | undefined {
  if (!STATUSES.has(status)) return undefined;
  const texts = textsIn(body);
  const said = texts.join('\n').slice(0, MOST_CHARS);
  if (!REFUSAL.test(said)) return undefined;
  const parameter = sent.find((name) => texts.includes(name)) ?? firstNamed(said, sent);
  if (parameter === undefined) return undefined;
  const instead = /\bUse ['"`]([a-z_]{1,64})['"`] instead\b/.exec(said)?.[1];
  return { parameter, ...(instead === undefined ? {} : { instead }) };
}

/** In quotes, before a colon, or at the end after one: a name such as `stop` or `user` is a word of prose as well. */
function firstNamed(said: string, sent: readonly string[]): string | undefined {
  const places = sent.flatMap((name) => {
    const at = said.search(
      new RegExp(
        `(["'\`])${literal(name)}\\1|^${literal(name)}\\b(?=:| is\\b)|: ${literal(name)}$`,
        'm',
      ),
    );
    return at === -1 ? [] : [{ name, at }];
  });
  return places.sort((a, b) => a.at - b.at)[0]?.name;
}

const literal = (name: string): string => name.replace(/[^\w]/g, '\\$&');

/** Every text in a value that was read from JSON, in order. */
function textsIn(value: unknown, levels = MOST_LEVELS): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || levels === 0) return [];
  return Object.values(value).flatMap((inner) => textsIn(inner, levels - 1));
}
