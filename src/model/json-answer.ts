/** The JSON in a model's answer. Prose is never made into a value; what is cut off or ambiguous is refused. */
import { createRequire } from 'node:module';
import type { Json } from '../json.ts';
import { ANSWER_MAX_DEPTH, MESSAGE_VALUE_CHARS, MODEL_RESPONSE_MAX_BYTES } from '../limits.ts';
import { checkedJson } from './checked-json.ts';
import { findJson } from './find-json.ts';
import { isDeeperThan } from './json-depth.ts';
import { isNearlyJson, unquote } from './nearly-json.ts';

/** The value, or what to tell the model about its answer. */
export type JsonAnswer =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly message: string };

const FENCE = '```';

/**
 * Reads an answer strictly; else without its Markdown fence (and the thoughts before it); else the one
 * JSON object or list in its prose; else that one with small slips repaired (quotes, commas, Python's
 * words). Values are frozen, at most 64 deep, with finite numbers and without `__proto__` keys; duplicate
 * keys and long numbers are read as `JSON.parse` reads them.
 */
export function readJsonAnswer(text: string): JsonAnswer {
  if (text.length > MODEL_RESPONSE_MAX_BYTES) {
    return refuse(`it is longer than ${MODEL_RESPONSE_MAX_BYTES} characters`);
  }
  const answer = text.replace(/^\uFEFF/, '').trim();
  const whole = parseStrictly(answer);
  if (whole !== undefined) return whole;
  // The opening tag often stands in the prompt's template, and not in the answer.
  const body = answer.replace(/^[\s\S]*<\/think(?:ing)?>/, '').trim();
  if (/^<think(?:ing)?>/.test(body)) return refuse('it ends in the middle of its thoughts');
  const fences = fencesOf(body);
  if (fences !== undefined) {
    const { inner, isAll } = fences;
    const value = isAll ? parseStrictly(inner.trim()) : undefined;
    if (value !== undefined) return value;
    const inFence = readFound(inner);
    if (inFence.ok) return inFence;
  }
  return (body === answer ? undefined : parseStrictly(body)) ?? readFound(body);
}

/** What stands in the one Markdown fence of a text, and whether the text is nothing else. */
function fencesOf(text: string): { readonly inner: string; readonly isAll: boolean } | undefined {
  const start = text.indexOf(FENCE);
  const end = text.lastIndexOf(FENCE);
  const line = text.indexOf('\n', start);
  if (start === -1 || line === -1 || line > end) return undefined;
  const isAll = start === 0 && end === text.length - FENCE.length;
  // Fences in between: part of a text in the JSON if all is one fence, else several blocks.
  const isOne = text.indexOf(FENCE, start + FENCE.length) === end;
  return isAll || isOne ? { inner: text.slice(line + 1, end), isAll } : undefined;
}

function readFound(text: string): JsonAnswer {
  const found = findJson(text);
  if (found.kind === 'none') return refuse(found.message);
  if (found.kind === 'strict') return parseStrictly(found.text) ?? refuse('it is not JSON');
  const repaired = repair(found.text);
  const read = repaired === undefined ? undefined : parseStrictly(repaired);
  const value = read?.ok === true && !holdsTexts(read.value, found.text) ? undefined : read;
  return value ?? refuse(`it is not valid JSON: ${parseProblem(found.text)}`);
}

/** Undefined where the text is not JSON; what is JSON and yet cannot be taken is refused. */
function parseStrictly(text: string): JsonAnswer | undefined {
  if (!/^[[{"\-\dtfn]/.test(text)) return undefined;
  if (isDeeperThan(text, ANSWER_MAX_DEPTH)) {
    return refuse(`it is nested deeper than ${ANSWER_MAX_DEPTH}`);
  }
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  const problem = checkedJson(value);
  return problem === undefined ? { ok: true, value } : refuse(problem);
}

/** Whether every text in quotes came through as it was: a repair takes some for code, and cuts them. */
function holdsTexts(value: Json, text: string): boolean {
  const held = new Set<string>();
  const hold = (part: Json): void => {
    if (typeof part === 'string') held.add(part);
    else if (Array.isArray(part)) (part as readonly Json[]).forEach(hold);
    else if (part !== null && typeof part === 'object') {
      for (const [key, item] of Object.entries(part)) {
        held.add(key);
        hold(item as Json);
      }
    }
  };
  hold(value);
  const quoted: string[] = [];
  return isNearlyJson(text, quoted) && quoted.every((part) => held.has(unquote(part)));
}

let jsonrepair: ((text: string) => string) | undefined;

function repair(text: string): string | undefined {
  jsonrepair ??= (
    createRequire(import.meta.url)('jsonrepair') as { jsonrepair(text: string): string }
  ).jsonrepair;
  try {
    const repaired = jsonrepair(text);
    return repaired.length > MODEL_RESPONSE_MAX_BYTES ? undefined : repaired;
  } catch {
    return undefined;
  }
}

function parseProblem(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return String(error instanceof Error ? error.message : error).slice(0, MESSAGE_VALUE_CHARS);
  }
}

function refuse(message: string): JsonAnswer {
  return { ok: false, message };
}
