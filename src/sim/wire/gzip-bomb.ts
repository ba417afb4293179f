/** Makes a gzip body that inflates a thousandfold. */
import { gzipSync } from 'node:zlib';

const MEMBER_BYTES = 1_048_576;
let member: Buffer | undefined;

/** Compresses `bytes` spaces (rounded up to a MiB), followed by the body. A gzip file may consist of several members. */
export function gzipBomb(bytes: number, body: Buffer): Buffer {
  member ??= gzipSync(Buffer.alloc(MEMBER_BYTES, ' '), { level: 9 });
  const count = Math.ceil(bytes / MEMBER_BYTES);
  return Buffer.concat([...Array.from({ length: count }, () => member!), gzipSync(body)]);
}
