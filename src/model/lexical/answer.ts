/** Forms an answer by word overlap: a value of a schema, or a text in the words of the question. */
import { isObject, type Json, type JsonObject } from '../../util/json.ts';
import { labelLines, labelsIn, overlappingLabel, restLabel } from './labels.ts';
import type { SplitPrompt } from './split-prompt.ts';
import { hits, share, stemsOf } from './words.ts';

/** A text meets a criterion if it has at least this share of the criterion's words. */
const THRESHOLD = 0.5;
const MAX_DEPTH = 16;
const MAX_ITEMS = 3;

/** Answers without a schema: a label from the question, else yes or no, else a phrase of the text. */
export function answerText(prompt: SplitPrompt): string {
  const labels = labelsIn(prompt.question);
  const [yes, no] = [/^(?:yes|true)$/i, /^(?:no|false)$/i].map((is) =>
    labels.find((l) => is.test(l)),
  );
  if (yes !== undefined && no !== undefined) return isMet(prompt, new Set()) ? yes : no;
  if (labels.length > 0) return label(labels, prompt);
  const asksWhether = /^(?:is|are|was|were|do|does|did|has|have|can|should)\b/i;
  if (asksWhether.test(prompt.question) && prompt.text !== prompt.question) {
    return isMet(prompt, new Set()) ? 'yes' : 'no';
  }
  return bestPhrases(prompt, wantedOf(prompt, new Set()))[0]?.phrase ?? prompt.text.trim();
}

/** Answers with a value of the schema. `named` holds the stems of the property that the value is for. */
export function answerValue(
  schema: Json | undefined,
  prompt: SplitPrompt,
  named: ReadonlySet<string> = new Set(),
  depth = 0,
): Json {
  if (!isObject(schema) || depth > MAX_DEPTH) return null;
  const [inner] = [schema['anyOf'], schema['oneOf']].find((list) => Array.isArray(list)) ?? [];
  if (inner !== undefined) return answerValue(inner, prompt, named, depth + 1);
  if (schema['const'] !== undefined) return schema['const'];
  const { enum: choices, properties } = schema;
  if (Array.isArray(choices)) return choice(choices, prompt);
  const types = [schema['type'] ?? (properties === undefined ? 'string' : 'object')].flat();
  const orNull = types.includes('null');
  switch (types.find((type) => type !== 'null')) {
    case 'object':
      return Object.fromEntries(
        Object.entries(isObject(properties) ? properties : {}).map(([name, property]) => {
          const described = isObject(property) ? `${name} ${property['description'] ?? ''}` : name;
          return [name, answerValue(property, prompt, stemsOf(described), depth + 1)];
        }),
      );
    case 'array':
      return list(schema, prompt, named, depth);
    case 'boolean':
      return isMet(prompt, named);
    case 'integer':
      return Math.round(scaled(schema, prompt, named));
    case 'number':
      return scaled(schema, prompt, named);
    case 'string':
      return phrase(schema, prompt, named, orNull);
    default:
      return null;
  }
}

/** Returns the stems to look for in the text: the criterion's, else the property's, else the question's. */
function wantedOf(prompt: SplitPrompt, named: ReadonlySet<string>): ReadonlySet<string> {
  const criterion = stemsOf(prompt.criterion);
  if (criterion.size > 0) return criterion;
  return named.size > 0 ? named : stemsOf(prompt.question);
}

function met(prompt: SplitPrompt, named: ReadonlySet<string>): number {
  return share(wantedOf(prompt, named), stemsOf(prompt.text));
}

function isMet(prompt: SplitPrompt, named: ReadonlySet<string>): boolean {
  // A property's name such as `spam` is a criterion. A name such as `met` is not, so the question is used instead.
  const own = met(prompt, named);
  return own >= THRESHOLD || (own === 0 && met(prompt, new Set()) >= THRESHOLD);
}

/** Returns the label that shares most words with the text. */
function label(labels: readonly string[], prompt: SplitPrompt): string {
  return overlappingLabel(labels, prompt.question, stemsOf(prompt.text)) ?? restLabel(labels);
}

function choice(choices: readonly Json[], prompt: SplitPrompt): Json {
  const labels = choices.filter((value) => value !== null).map(String);
  const found = overlappingLabel(labels, prompt.question, stemsOf(prompt.text));
  if (found === undefined && choices.includes(null)) return null;
  const label = found ?? restLabel(labels);
  return choices.find((value) => String(value) === label) ?? null;
}

function scaled(schema: JsonObject, prompt: SplitPrompt, named: ReadonlySet<string>): number {
  const { minimum, maximum } = schema;
  const least = typeof minimum === 'number' ? minimum : 0;
  const most = typeof maximum === 'number' ? maximum : Math.max(1, least);
  const step = schema['multipleOf'];
  const value = least + met(prompt, named) * (most - least);
  return typeof step === 'number' ? Math.floor(value / step) * step : value;
}

function list(
  schema: JsonObject,
  prompt: SplitPrompt,
  named: ReadonlySet<string>,
  depth: number,
): Json[] {
  const { items, minItems, maxItems } = schema;
  const least = typeof minItems === 'number' ? Math.min(minItems, 100) : 0;
  const most = typeof maxItems === 'number' ? Math.min(maxItems, 100) : Math.max(MAX_ITEMS, least);
  const choices = isObject(items) ? items['enum'] : undefined;
  const isText = !isObject(items) || (items['type'] ?? 'string') === 'string';
  const text = stemsOf(prompt.text);
  const found: Json[] = Array.isArray(choices)
    ? choices.filter(
        (value) => overlappingLabel([String(value)], prompt.question, text) !== undefined,
      )
    : isText
      ? bestPhrases(prompt, wantedOf(prompt, named)).map((best) => best.phrase)
      : [answerValue(items, prompt, named, depth + 1)];
  const filled = found.slice(0, most);
  while (filled.length < least) filled.push(answerValue(items, prompt, named, depth + 1));
  return filled;
}

function phrase(
  schema: JsonObject,
  prompt: SplitPrompt,
  named: ReadonlySet<string>,
  orNull: boolean,
): string | null {
  const labels = labelLines(prompt.question);
  if (labels.length > 0) return label(labels, prompt);
  const [best] = bestPhrases(prompt, wantedOf(prompt, named));
  if (best === undefined || (orNull && best.score === 0)) return orNull ? null : prompt.text.trim();
  const { maxLength } = schema;
  return typeof maxLength === 'number'
    ? [...best.phrase].slice(0, maxLength).join('')
    : best.phrase;
}

/**
 * Returns the phrases of the text; phrases with more of the wanted words come first. Of `Brand: Sony` only `Sony` is
 * the phrase, if a wanted word stands before the colon.
 */
function bestPhrases(
  { text }: SplitPrompt,
  wanted: ReadonlySet<string>,
): readonly { readonly phrase: string; readonly score: number }[] {
  return text
    .split(/[.!?;,](?=\s|$)|\n|\s[–—|-]\s/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', ...value] = part.split(/[:=]\s/);
      const rest = value.join(': ').trim();
      const isNamed = rest !== '' && hits(wanted, stemsOf(name)) > 0;
      return { phrase: isNamed ? rest : part, score: share(wanted, stemsOf(part)) };
    })
    .sort((a, b) => b.score - a.score);
}
