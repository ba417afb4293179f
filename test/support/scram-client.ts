/** The client's side of SCRAM-SHA-256, for tests. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export interface ScramClientState {
  readonly header?: string;
  readonly bare: string;
  /** The server's first message. */
  readonly challenge: string;
  readonly bound?: Buffer;
}

/** Returns a client's final message for the server's first one, as the RFC says. */
export function finalMessage(
  password: string,
  { header = 'n,,', bare, challenge, bound = Buffer.from(header) }: ScramClientState,
): string {
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge)!;
  const salted = pbkdf2Sync(
    password,
    Buffer.from(salt!, 'base64'),
    Number(iterations),
    32,
    'sha256',
  );
  const key = createHmac('sha256', salted).update('Client Key').digest();
  const stored = createHash('sha256').update(key).digest();
  const without = `c=${bound.toString('base64')},r=${nonce}`;
  const signature = createHmac('sha256', stored).update(`${bare},${challenge},${without}`).digest();
  const proof = Buffer.from(key.map((byte, index) => byte ^ signature[index]!));
  return `${without},p=${proof.toString('base64')}`;
}
