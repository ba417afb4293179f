/**
 * Loads minijinja with a maximum of memory.
 *
 * The package's WebAssembly memory has no maximum, and `fuel` counts instructions, not bytes: `"x" * 1e9` in a template
 * would take a gigabyte of the process. With a maximum, the same template causes a trap. A trap can be caught, and a new
 * instance replaces the old one (about 10 ms). Minijinja is loaded on first use.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as Minijinja from 'minijinja-js';
import { TEMPLATE_MAX_MEMORY } from '../limits.ts';
import { codeFile } from '../util/code-file.ts';

const PAGE_BYTES = 65_536;
const MEMORY_SECTION = 5;

/** Returns a new instance of the library with its own memory. */
export function loadMinijinja(): typeof Minijinja {
  const require = createRequire(codeFile());
  const file = require.resolve('minijinja-js');
  const folder = dirname(file);
  // The package's own loader reads the .wasm file next to it. Here it gets the file with the memory maximum.
  const readCapped = (): Uint8Array =>
    capMemory(readFileSync(join(folder, 'minijinja_js_bg.wasm')), TEMPLATE_MAX_MEMORY);
  const requireCapped = (name: string): unknown =>
    name === 'fs' ? { readFileSync: readCapped } : require(name);
  const loaded = { exports: {} as typeof Minijinja };
  // A trap is reported by its error. The library would also print the trap to the console.
  const quiet = { error(): void {} };
  const names = ['module', 'exports', 'require', '__dirname', 'console'];
  const load = new Function(...names, readFileSync(file, 'utf8'));
  load(loaded, loaded.exports, requireCapped, folder, quiet);
  return loaded.exports;
}

/** Rewrites the memory section of a WebAssembly binary to add a maximum. */
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

/** Reads an unsigned LEB128 number. Returns the number and the offset after it. */
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
