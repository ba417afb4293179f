/**
 * Gives access to the few private fields of node-api's vectors that fast reading needs. A test checks that the fields
 * exist. All other code uses the public methods.
 */

import type { DuckDBListVector, DuckDBStructVector, DuckDBVector } from '@duckdb/node-api';
import { nodeApi } from './node-api.ts';

interface Inside {
  readonly items?: ArrayLike<number> | BigInt64Array | BigUint64Array;
  readonly dataView?: DataView;
  readonly validity?: { readonly data: BigUint64Array | null };
  readonly childData?: DuckDBVector;
  readonly listVector?: DuckDBListVector;
  readonly structVector?: DuckDBStructVector;
  readonly vector?: unknown;
}

function inside(vector: DuckDBVector): Inside {
  return vector as unknown as Inside;
}

function present<T>(part: T | undefined, vector: DuckDBVector): T {
  if (part === undefined)
    throw new Error(`node-api changed the inside of ${vector.constructor.name}`);
  return part;
}

/** Returns the numbers of a fixed-width vector. The number of a NULL item is arbitrary. */
export function numbersOf<T>(vector: DuckDBVector): T {
  return present(inside(vector).items, vector) as unknown as T;
}

/** Returns the raw bytes of a vector whose items have a fixed width. */
export function bytesOf(vector: DuckDBVector): DataView {
  return present(inside(vector).dataView, vector);
}

/** Returns a vector's validity bits, eight rows per byte, lowest bit first; undefined if nothing is NULL. */
export function validityBytes(vector: DuckDBVector): Uint8Array | undefined {
  const { data } = present(inside(vector).validity, vector);
  return data === null ? undefined : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Returns the vector below an ARRAY vector, which holds the items of all arrays. */
export function arrayChild(vector: DuckDBVector): DuckDBVector {
  return present(inside(vector).childData, vector);
}

/** Returns the LIST of key-value structs below a MAP vector. */
export function mapList(vector: DuckDBVector): DuckDBListVector {
  return present(inside(vector).listVector, vector);
}

/** Returns the STRUCT of tag and members below a UNION vector. */
export function unionStruct(vector: DuckDBVector): DuckDBStructVector {
  return present(inside(vector).structVector, vector);
}

/**
 * Returns `length` bytes from the address to which item `index` of a VARCHAR vector points. The caller must make sure
 * that all of these bytes belong to strings of this vector.
 */
export function bytesAtString(vector: DuckDBVector, index: number, length: number): Buffer {
  const source = bytesOf(vector);
  const pointer = new DataView(new ArrayBuffer(16));
  pointer.setUint32(0, length, true);
  pointer.setBigUint64(8, source.getBigUint64(index * 16 + 8, true), true);
  // Makes a BLOB vector of one item whose bytes are those of the strings. node-api then copies them in one call.
  const { DuckDBBlobVector } = nodeApi();
  const Blob = DuckDBBlobVector as unknown as new (
    view: DataView,
    validity: { itemValid(): boolean },
    vector: unknown,
    offset: number,
    count: number,
  ) => { getItem(index: number): { readonly bytes: Uint8Array } };
  const { bytes } = new Blob(
    pointer,
    { itemValid: () => true },
    inside(vector).vector,
    0,
    1,
  ).getItem(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
