/** A compressed body that nobody asked for, as text for the record. */
import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib';
import { MODEL_RESPONSE_MAX_BYTES } from '../limits.ts';

/** Bytes of a compressed one that are unpacked for it: far more than the text that is kept. */
const PACKED_ANSWER_BYTES = 64 * 1024;

/** The text, or its beginning; empty where it is not so compressed, or unpacks to more than a body may have. */
export function unpackBody(bytes: Uint8Array, encoding: string): string {
  const packed = bytes.subarray(0, PACKED_ANSWER_BYTES);
  const bound = { maxOutputLength: MODEL_RESPONSE_MAX_BYTES };
  const zlib = { ...bound, finishFlush: constants.Z_SYNC_FLUSH };
  const brotli = { ...bound, finishFlush: constants.BROTLI_OPERATION_FLUSH };
  try {
    switch (encoding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(packed, zlib).toString('utf8');
      case 'deflate':
        return inflateSync(packed, zlib).toString('utf8');
      case 'br':
        return brotliDecompressSync(packed, brotli).toString('utf8');
      default:
        return '';
    }
  } catch {
    return '';
  }
}
