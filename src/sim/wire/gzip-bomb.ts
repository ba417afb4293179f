/** A gzip body that inflates a thousandfold. */
import { gzipSync } from 'node:zlib';

const MEMBER_BYTES = 1_048_576;
let member: Buffer | undefined;

/** Gzip of `bytes` spaces (rounded up to a MiB) and then the body; gzip members may follow each other. */
export function gzipBomb(bytes: number, body: Buffer): Buffer {
  member ??= gzipSync(Buffer.alloc(MEMBER_BYTES, ' '), { level: 9 });
  const count = Math.ceil(bytes / MEMBER_BYTES);
  return Buffer.concat([...Array.from({ length: count }, () => member!), gzipSync(body)]);
}
