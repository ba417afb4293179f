/** Verifiers: what the server keeps of a password. It proves who knows the password, and does not give it away. */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { saslPrepared } from './saslprep.ts';

const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** The iterations of new verifiers: those of PostgreSQL, so that a login costs what its clients expect. */
export const SCRAM_ITERATIONS = 4_096;
/** More would let a users file make every login of a client take minutes. */
const MAX_ITERATIONS = 1_000_000;
const FORM =
  /^SCRAM-SHA-256\$([1-9]\d{0,6}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/;

/** RFC 5803, as PostgreSQL keeps it in `pg_authid`. */
export interface Verifier {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** Makes the verifier of a password. `salt` is random unless given. */
export async function makeVerifier(
  password: string,
  salt: Buffer = randomBytes(SALT_BYTES),
  iterations: number = SCRAM_ITERATIONS,
): Promise<Verifier> {
  const text = saslPrepared(password);
  const salted = await promisify(pbkdf2)(text, salt, iterations, KEY_BYTES, 'sha256');
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest();
  return { iterations, salt, storedKey, serverKey: hmac(salted, 'Server Key') };
}

/**
 * Returns a verifier that no password fits, for a user who does not exist. It is the same each time, has as many
 * iterations as a new one, and its salt cannot be told from a random one without `secret`.
 */
export function mockVerifier(user: string, secret: Buffer): Verifier {
  const derived = (what: string) => hmac(secret, `${what}\0${user}`);
  return {
    iterations: SCRAM_ITERATIONS,
    salt: derived('salt').subarray(0, SALT_BYTES),
    storedKey: derived('stored'),
    serverKey: derived('server'),
  };
}

/** Writes a verifier as text, the way that PostgreSQL does. */
export function verifierText({ iterations, salt, storedKey, serverKey }: Verifier): string {
  const [s, k, v] = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'));
  return `SCRAM-SHA-256$${iterations}:${s}$${k}:${v}`;
}

/** Reads a verifier's text; undefined if it is none. */
export function parseVerifier(text: string): Verifier | undefined {
  const [, count, ...parts] = FORM.exec(text) ?? [];
  if (count === undefined) return undefined;
  const [salt, storedKey, serverKey] = parts.map((part) => Buffer.from(part, 'base64'));
  const iterations = Number(count);
  const isWhole = storedKey?.length === KEY_BYTES && serverKey?.length === KEY_BYTES;
  // Node skips what follows the end of base64.
  const isExact = [salt, storedKey, serverKey].every(
    (bytes, index) => bytes?.toString('base64') === parts[index],
  );
  if (
    !isWhole ||
    !isExact ||
    salt === undefined ||
    salt.length === 0 ||
    iterations > MAX_ITERATIONS
  ) {
    return undefined;
  }
  return { iterations, salt, storedKey, serverKey };
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
