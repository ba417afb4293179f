/** Puts several requests into one request, and reads their answers out of its answer. */
import { hash } from 'node:crypto';
import { CHARS_PER_TOKEN } from '../limits.ts';
import {
  type ChatMessage,
  type ChatRequest,
  type ModelTarget,
  type ProviderSettings,
  providerOf,
} from '../model/chat.ts';
import { readJsonAnswer } from '../model/json-answer.ts';
import type { Json, JsonObject } from '../util/json.ts';
import type { Batchable } from './contract.ts';

/** The output tokens of an item besides its answer: its marks, and the names of the fields. */
export const ITEM_TOKENS = 24;
/** The shortest mark of an item, in letters. */
const MARK_LETTERS = 3;

/**
 * Returns what tells whether a request may share a call with another one; undefined if it always goes by itself: its
 * answers are wanted several times, it has images or a conversation, its schema refers to parts of itself, or its
 * provider takes no other.
 */
export function batchable(
  cell: string,
  target: ModelTarget,
  request: ChatRequest,
): Batchable | undefined {
  const { messages, model, parameters, responseSchema, constant } = request;
  if (target.kind === 'provider' && isOneByOne(target.provider)) return undefined;
  const system = messages.slice(0, -1);
  const isPlain = system.every(({ role }) => role === 'system') && system.length <= 1;
  if (!isPlain || messages.some(({ images }) => images !== undefined)) return undefined;
  if (messages.at(-1)?.role !== 'user') return undefined;
  const schema = responseSchema === undefined ? '' : JSON.stringify(responseSchema);
  if (schema.includes('"$ref"')) return undefined;
  const told = system[0]?.content ?? '';
  const fixed = JSON.stringify([cell, providerOf(target), model, parameters, told, schema]);
  const key = hash('sha256', fixed, 'hex').slice(0, 16);
  const sharedChars = told.length + (constant?.prompt ?? 0);
  return { key, sharedTokens: Math.floor(sharedChars / CHARS_PER_TOKEN) };
}

/** True for a provider that answers one question a call: by word overlap, or from a recording of single calls. */
export function isOneByOne({ type }: ProviderSettings): boolean {
  return type === 'lexical' || type === 'replay';
}

/** One request for several items. */
export interface ItemBatch {
  readonly request: ChatRequest;
  /**
   * Returns the text of each item's answer, in the order of the items; undefined for an item that has none, or more than
   * one, or whose marks do not belong together. Returns undefined if nothing in the answer can be used.
   */
  read(text: string): readonly (string | undefined)[] | undefined;
}

/** Makes the request for several items that may share a call. `keys`: their call keys. */
export function itemBatch(requests: readonly ChatRequest[], keys: readonly string[]): ItemBatch {
  const [first] = requests;
  const { responseSchema, parameters, messages } = first!;
  const ids = marks(keys);
  const ends = marks(keys.map((key) => [...key].reverse().join('')));
  const texts = requests.map((request) => request.messages.at(-1)!.content);
  const { head, items, tail } = split(texts);
  const lines = items.map((text, index) => `${ids[index]} ${JSON.stringify(text)} ${ends[index]}`);
  const fixed = questionFor(head, tail);
  const asked: ChatMessage = { role: 'user', content: `${fixed}\n${lines.join('\n')}` };
  const most = parameters['max_tokens'];
  return {
    request: {
      ...first!,
      messages: [...messages.slice(0, -1), asked],
      parameters:
        typeof most === 'number'
          ? { ...parameters, max_tokens: (most + ITEM_TOKENS) * requests.length }
          : parameters,
      responseSchema: answersSchema(responseSchema ?? { type: 'string' }),
      constant: { system: first!.constant?.system ?? false, prompt: fixed.length },
    },
    read: (text) => readAnswers(text, { ids, ends, isJson: responseSchema !== undefined }),
  };
}

/** The instruction around a question. The text is known to `src/sim`, which answers it item by item. */
function questionFor(head: string, tail: string): string {
  let name = '[ITEM]';
  for (let n = 2; head.includes(name) || tail.includes(name); n++) name = `[ITEM ${n}]`;
  return `Answer the question for each item below by itself, as if it were the only one. In the question, ${name} stands for the text of the item.

Question:
${head}${name}${tail}

Answer with one JSON object: {"answers": [{"id": "…", "end": "…", "answer": …}]}, with one entry for each item: its id and its end mark, copied, and the answer that you would give to it alone.

Items, one a line: id, text as JSON, end mark.`;
}

function answersSchema(answer: JsonObject): JsonObject {
  const mark = { type: 'string' };
  const entry = objectSchema({ id: mark, end: mark, answer });
  return objectSchema({ answers: { type: 'array', items: entry } });
}

function objectSchema(properties: JsonObject): JsonObject {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/**
 * Splits texts into the lines that all of them begin and end with, and the rest of each. Only whole lines are shared, so
 * that no word is cut.
 */
function split(texts: readonly string[]): { head: string; items: readonly string[]; tail: string } {
  const lines = texts.map((text) => text.split('\n'));
  const [first] = lines;
  const least = Math.min(...lines.map(({ length }) => length));
  let from = 0;
  while (from < least - 1 && lines.every((one) => one[from] === first![from])) from++;
  let end = 0;
  while (end < least - 1 - from && lines.every((one) => one.at(-1 - end) === first!.at(-1 - end)))
    end++;
  const { length } = first!;
  return {
    head: first!
      .slice(0, from)
      .map((line) => `${line}\n`)
      .join(''),
    items: lines.map((one) => one.slice(from, one.length - end).join('\n')),
    tail: first!
      .slice(length - end)
      .map((line) => `\n${line}`)
      .join(''),
  };
}

/**
 * Returns a mark of a few letters for each key. Different items have different marks, and a model cannot count them up,
 * so an answer that has lost its place does not find another item.
 */
function marks(keys: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return keys.map((key) => {
    const letters = [...key]
      .map((digit) => 'abcdefghijklmnop'[Number.parseInt(digit, 16)])
      .join('');
    let mark = letters.slice(0, MARK_LETTERS);
    for (let at = 1; taken.has(mark); at++) {
      const length = MARK_LETTERS + Math.floor(at / letters.length);
      mark = (letters + letters + taken.size).slice(at % letters.length).slice(0, length);
    }
    taken.add(mark);
    return mark;
  });
}

interface Asked {
  readonly ids: readonly string[];
  readonly ends: readonly string[];
  /** True if each answer is a JSON value, and not a text. */
  readonly isJson: boolean;
}

function readAnswers(
  text: string,
  { ids, ends, isJson }: Asked,
): readonly (string | undefined)[] | undefined {
  const read = readJsonAnswer(text);
  const entries = read.ok ? listIn(read.value) : undefined;
  if (entries === undefined) return undefined;
  const places = new Map(ids.map((id, index) => [id, index]));
  const found: (string | undefined)[] = ids.map(() => undefined);
  const seen = new Set<number>();
  for (const entry of entries) {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) continue;
    const { id, end, answer } = entry as JsonObject;
    const place = typeof id === 'string' ? places.get(id) : undefined;
    if (place === undefined) continue;
    const isSole = !seen.has(place) && end === ends[place];
    seen.add(place);
    found[place] = isSole ? answerText(answer, isJson) : undefined;
  }
  return found.some((one) => one !== undefined) ? found : undefined;
}

function listIn(value: Json): readonly Json[] | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const list = isObject ? (value as JsonObject)['answers'] : value;
  return Array.isArray(list) ? (list as readonly Json[]) : undefined;
}

function answerText(answer: Json | undefined, isJson: boolean): string | undefined {
  if (answer === undefined || (answer === null && !isJson)) return undefined;
  return !isJson && typeof answer === 'string' ? answer : JSON.stringify(answer);
}
