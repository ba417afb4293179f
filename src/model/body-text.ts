/** Decodes the bytes of a response as text, and parses the text as JSON of bounded depth. */
import { isUtf8 } from 'node:buffer';
import { ANSWER_MAX_DEPTH } from '../limits.ts';
import { isDeeperThan } from './json-depth.ts';

type BodyText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** Returns the body as text, without a byte order mark. Invalid UTF-8 is a problem. */
export function decodeBody(bytes: Uint8Array): BodyText {
  if (!isUtf8(bytes)) return { ok: false, problem: 'is not valid UTF-8' };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return { ok: true, text: text.charCodeAt(0) === 0xfeff ? text.slice(1) : text };
}

/** A JSON value, or what is wrong with the text, such as `is empty`. */
export type BodyJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

/** Parses the body as JSON of at most ANSWER_MAX_DEPTH levels. */
export function parseBody(text: string): BodyJson {
  if (text.trim() === '') return { ok: false, problem: 'is empty' };
  if (isDeeperThan(text, ANSWER_MAX_DEPTH)) {
    return { ok: false, problem: `is nested deeper than ${ANSWER_MAX_DEPTH}` };
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, problem: 'is not JSON, or was cut off' };
  }
}
