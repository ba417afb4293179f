/**
 * Loads minijinja with a ceiling on its memory.
 *
 * The package's WebAssembly memory has no maximum, and `fuel` counts instructions, not bytes: `"x" * 1e9`
 * in a template would take a gigabyte of the process. With a maximum the same template traps, which can
 * be caught, and a fresh instance takes over (about 10 ms). Loaded on first use.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as Minijinja from 'minijinja-js';
import { TEMPLATE_MAX_MEMORY } from '../limits.ts';

const PAGE_BYTES = 65_536;
const MEMORY_SECTION = 5;

/** A new instance of the library, its memory its own. */
export function loadMinijinja(): typeof Minijinja {
  const require = createRequire(import.meta.url);
  const file = require.resolve('minijinja-js');
  const folder = dirname(file);
  // The package's own loader, which reads its .wasm file beside it; here it reads the capped one.
  const readCapped = (): Uint8Array =>
    capMemory(readFileSync(join(folder, 'minijinja_js_bg.wasm')), TEMPLATE_MAX_MEMORY);
  const requireCapped = (name: string): unknown =>
    name === 'fs' ? { readFileSync: readCapped } : require(name);
  const loaded = { exports: {} as typeof Minijinja };
  // A trap is reported by its error; the library would also print it to the console.
  const quiet = { error(): void {} };
  const names = ['module', 'exports', 'require', '__dirname', 'console'];
  const load = new Function(...names, readFileSync(file, 'utf8'));
  load(loaded, loaded.exports, requireCapped, folder, quiet);
  return loaded.exports;
}

/** Rewrites the memory section of a WebAssembly binary so that it has a maximum. */
function capMemory(bytes: Uint8Array, maxBytes: number): Uint8Array {
  let position = 8; // magic and version
  while (position < bytes.length) {
    const [length, body] = readLeb(bytes, position + 1);
    if (bytes[position] === MEMORY_SECTION) {
      const [count, flagAt] = readLeb(bytes, body);
      const [minPages] = readLeb(bytes, flagAt + 1);
      if (count !== 1) throw new TypeError(`${count} memories in minijinja's WebAssembly, not one`);
      const limits = [1, 1, ...writeLeb(minPages), ...writeLeb(maxBytes / PAGE_BYTES)];
      return Buffer.concat([
        bytes.subarray(0, position),
        Uint8Array.from([MEMORY_SECTION, ...writeLeb(limits.length), ...limits]),
        bytes.subarray(body + length),
      ]);
    }
    position = body + length;
  }
  throw new TypeError("no memory section in minijinja's WebAssembly");
}

/** An unsigned LEB128 number and the offset after it. */
function readLeb(bytes: Uint8Array, from: number): [value: number, next: number] {
  let value = 0;
  let position = from;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[position++]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value >>> 0, position];
  }
}

function writeLeb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
