/** The JSON in a model's answer. Prose is never made into a value; what is cut off or ambiguous is refused. */

import { ANSWER_MAX_DEPTH, MODEL_RESPONSE_MAX_BYTES } from '../limits.ts';
import type { Json } from '../util/json.ts';
import { checkedJson } from './checked-json.ts';
import { findJson } from './find-json.ts';
import { isDeeperThan } from './json-depth.ts';
import { type JsonPart, scanAnswer } from './scan-answer.ts';
import { strictJson } from './strict-json.ts';

/** The value, or what to tell the model about its answer. */
export type JsonAnswer =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly message: string };

/** Nothing but one fence. On its first line stands at most the name of a language. */
const ALL_FENCED = /^```(?:[A-Za-z][\w+.-]*)?[ \t\r]*\n([\s\S]*)```$/;
const OPENED_THOUGHTS = /^<think(?:ing)?>/;
const CLOSING_TAG = /<\/think(?:ing)?>/;

/**
 * Reads an answer strictly; else without its Markdown fence (and the thoughts before it); else the one
 * JSON object or list in its prose; else that one with small slips (quotes, commas, Python's words). Values
 * are frozen, at most 64 deep, with finite numbers and without `__proto__` keys; duplicate keys and long
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

/** A text that is JSON or a fence with JSON, and nothing else. */
function readWhole(text: string): JsonAnswer | undefined {
  const inner = ALL_FENCED.exec(text)?.[1];
  return parseStrictly(text) ?? (inner === undefined ? undefined : parseStrictly(inner.trim()));
}

/** A text of which JSON is a part. Tags and fences inside of JSON are text like any other. */
function readMarked(text: string): JsonAnswer {
  const marks = scanAnswer(text);
  if (marks === undefined) return refuse('it has too many brackets to be read');
  // The opening tag often stands in the prompt's template, and not in the answer.
  const start = marks.tags.findLast(({ kind }) => kind === 'closes')?.end ?? 0;
  const tag = marks.tags.find((other) => other.start >= start);
  if (tag?.kind === 'opens') return refuse(UNFINISHED);
  if (tag?.kind === 'quoted') return refuse('a tag of thoughts stands in quotes in it');
  // A bracket in single quotes ends a part too early: the tag may stand in the rest of it.
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

function refuse(message: string): JsonAnswer {
  return { ok: false, message };
}
