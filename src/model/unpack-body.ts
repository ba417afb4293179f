/** Unpacks a compressed body, which no request asks for, so that the journal can keep its text. */
import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib';
import { MODEL_RESPONSE_MAX_BYTES } from '../limits.ts';

/** The number of compressed bytes that are unpacked. It yields far more text than the journal keeps. */
const PACKED_ANSWER_BYTES = 64 * 1024;

/**
 * Returns the start of the body's text. Empty if the body is not compressed with `encoding`, or unpacks to more than
 * MODEL_RESPONSE_MAX_BYTES.
 */
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
