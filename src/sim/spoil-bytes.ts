/** Spoil faults: bytes and JSON that may break a reader. */
import type { SpoilFault } from './fault.ts';

const HUGE_DIGITS = 1_000_000;
const DEEP_LEVELS = 100_000;
const INVALID = Buffer.of(0xff);
const SURROGATE = Buffer.of(0xed, 0xa0, 0x80);

/** Applies a spoil fault to an answer's text. Only `spoilBody` inserts an invalid byte. */
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

/** Applies a spoil fault to a body, and returns its bytes. `content` is the answer's text, for faults in that text. */
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

/** Puts a member before an object's own members. Other JSON becomes the member `answer` of a new object. */
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
      // This is the object's own first key with another value. Most readers use the last of equal keys.
      const key = /^\s*\{\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1] ?? '"answer"';
      return `${key}:"the first of two"`;
    }
    default:
      return '"nan":NaN,"infinity":-Infinity';
  }
}
