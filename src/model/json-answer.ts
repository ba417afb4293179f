/** Reads the JSON in a model's answer. Prose never becomes a value. Cut or ambiguous JSON is refused. */

import { ANSWER_MAX_DEPTH, MODEL_RESPONSE_MAX_BYTES } from '../limits.ts';
import type { Json } from '../util/json.ts';
import { checkedJson } from './checked-json.ts';
import { findJson } from './find-json.ts';
import { isDeeperThan } from './json-depth.ts';
import { type JsonPart, scanAnswer } from './scan-answer.ts';
import { strictJson } from './strict-json.ts';

/** The value, or a message to the model that says what is wrong with its answer. */
export type JsonAnswer =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly message: string };

/** Matches a text that is a single fence. Its first line may name a language. */
const ALL_FENCED = /^```(?:[A-Za-z][\w+.-]*)?[ \t\r]*\n([\s\S]*)```$/;
const OPENED_THOUGHTS = /^<think(?:ing)?>/;
const CLOSING_TAG = /<\/think(?:ing)?>/;

/**
 * Reads an answer as strict JSON; else without its Markdown fence (and the thoughts before it); else the only JSON
 * object or list in its prose; else the only one with small mistakes (quotes, commas, Python's literals). Values
 * are frozen, at most 64 deep, with finite numbers and without `__proto__` keys. Duplicate keys and long
 * numbers are read as `JSON.parse` reads them.
 */
export function readJsonAnswer(text: string): JsonAnswer {
  if (text.length > MODEL_RESPONSE_MAX_BYTES) {
    return refuse(`it is longer than ${MODEL_RESPONSE_MAX_BYTES} characters`);
  }
  let answer = text.replace(/^\uFEFF/, '').trim();
  if (OPENED_THOUGHTS.test(answer)) {
    const closing = CLOSING_TAG.exec(answer);
    if (closing === null) return refuse(UNFINISHED);
    answer = answer.slice(closing.index + closing[0].length).trim();
  }
  return readWhole(answer) ?? readMarked(answer);
}

const UNFINISHED = 'it ends in the middle of its thoughts';

/** Reads a text that is only JSON or only a fence with JSON; undefined for any other text. */
function readWhole(text: string): JsonAnswer | undefined {
  const inner = ALL_FENCED.exec(text)?.[1];
  return parseStrictly(text) ?? (inner === undefined ? undefined : parseStrictly(inner.trim()));
}

/** Reads a text that contains JSON. Tags and fences inside JSON strings are ordinary text. */
function readMarked(text: string): JsonAnswer {
  const marks = scanAnswer(text);
  if (marks === undefined) return refuse('it has too many brackets to be read');
  // The opening tag is often in the prompt's template and missing in the answer, so only the closing tag counts.
  const start = marks.tags.findLast(({ kind }) => kind === 'closes')?.end ?? 0;
  const tag = marks.tags.find((other) => other.start >= start);
  if (tag?.kind === 'opens') return refuse(UNFINISHED);
  if (tag?.kind === 'quoted') return refuse('a tag of thoughts stands in quotes in it');
  // A bracket in single quotes ends a part too early. The tag may then be in the rest of that part.
  const isTorn = ({ kind, start: from, end }: JsonPart): boolean =>
    kind === 'broken' && end <= start && text.slice(from, end).includes("'");
  if (marks.parts.some(isTorn)) return refuse('a tag of thoughts follows broken JSON in it');
  const whole = start === 0 ? undefined : readWhole(text.slice(start).trim());
  if (whole !== undefined) return whole;
  const parts = marks.parts.filter((part) => part.start >= start);
  const [opening, closing, another] = marks.fences.filter((fence) => fence >= start);
  if (opening !== undefined && closing !== undefined && another === undefined) {
    const inFence = parts.filter((part) => part.start > opening && part.end <= closing);
    const read = readFound(text, inFence);
    if (read.ok) return read;
  }
  return readFound(text, parts);
}

function readFound(text: string, parts: readonly JsonPart[]): JsonAnswer {
  const found = findJson(text, parts);
  if (found.kind === 'none') return refuse(found.message);
  const json = found.kind === 'strict' ? found.text : strictJson(found.text);
  return (json === undefined ? undefined : parseStrictly(json)) ?? refuse('it is not JSON');
}

/** Parses strict JSON; undefined if the text is not JSON. JSON that the engine does not accept is refused. */
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

function refuse(message: string): JsonAnswer {
  return { ok: false, message };
}
