/** Spoil faults: bytes and JSON that a reader may trip over. */
import type { SpoilFault } from './fault.ts';

const HUGE_DIGITS = 1_000_000;
const DEEP_LEVELS = 100_000;
const INVALID = Buffer.of(0xff);
const SURROGATE = Buffer.of(0xed, 0xa0, 0x80);

/** An answer's text after a spoil fault; an invalid byte is put in by `spoilBody`. */
export function spoilContent(text: string, fault: SpoilFault): string {
  const { what, at } = fault;
  switch (what) {
    case 'bom':
      return `\ufeff${text}`;
    case 'nul':
      return `${text.slice(0, at)}\0${text.slice(at)}`;
    case 'lone-surrogate':
      return `${text.slice(0, at)}\ud800${text.slice(at)}`;
    case 'invalid-utf8':
      return text;
    default:
      return withMember(text, memberOf(fault, text));
  }
}

/** A body's bytes after a spoil fault. `content` is the answer's text, for faults that lie in it. */
export function spoilBody(body: string, fault: SpoilFault, content: string): Buffer {
  const { what, at } = fault;
  const bytes = Buffer.from(body);
  if (fault.in === 'content') {
    if (what !== 'invalid-utf8') return bytes;
    const start = bytes.indexOf(JSON.stringify(content)) + 1;
    return replaceByte(bytes, start + at);
  }
  switch (what) {
    case 'invalid-utf8':
      return replaceByte(bytes, at);
    case 'bom':
      return Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), bytes]);
    case 'nul':
      return insert(bytes, at, Buffer.of(0));
    case 'lone-surrogate':
      return insert(bytes, at, SURROGATE);
    default:
      return Buffer.from(withMember(body, memberOf(fault, body)));
  }
}

function replaceByte(bytes: Buffer, at: number): Buffer {
  INVALID.copy(bytes, Math.min(at, bytes.length - 1));
  return bytes;
}

function insert(bytes: Buffer, at: number, part: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
}

/** Puts members in front of an object's own; other JSON becomes the object's `answer`. */
function withMember(text: string, member: string): string {
  const trimmed = text.trimStart();
  if (!trimmed.startsWith('{')) return `{${member},"answer":${JSON.stringify(text)}}`;
  const rest = trimmed.slice(1);
  return rest.trimStart().startsWith('}') ? `{${member}${rest}` : `{${member},${rest}`;
}

function memberOf({ what, size }: SpoilFault, text: string): string {
  switch (what) {
    case 'huge-number':
      return `"huge":${'9'.repeat(size ?? HUGE_DIGITS)}`;
    case 'proto-keys':
      return '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
    case 'deep': {
      const levels = size ?? DEEP_LEVELS;
      return `"deep":${'['.repeat(levels)}${']'.repeat(levels)}`;
    }
    case 'duplicate-keys': {
      // The object's own first key, with another value; the last one wins in most readers.
      const key = /^\s*\{\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1] ?? '"answer"';
      return `${key}:"the first of two"`;
    }
    default:
      return '"nan":NaN,"infinity":-Infinity';
  }
}
