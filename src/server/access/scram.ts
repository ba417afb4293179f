/**
 * The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), as PostgreSQL speaks it. Messages go
 * in and come out; the caller owns the socket.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { hmac, type Verifier } from './verifier.ts';

/** The name of the mechanism, as it is sent. */
export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';

/** What the server does after a message. `continue` and `done` carry the message to send. */
export type ScramStep =
  | { readonly kind: 'continue' | 'done'; readonly message: string }
  /** `28P01`: the proof is wrong. `08P01`: the message is no SCRAM. Both end the exchange. */
  | { readonly kind: 'failed'; readonly sqlState: '28P01' | '08P01'; readonly reason: string };

/** What an exchange needs to know. */
export interface ScramOptions {
  readonly mechanism: ScramMechanism;
  /** The user's verifier, or a mock one. The exchange is the same for both; only the proof never fits the mock one. */
  readonly verifier: Verifier;
  /** The hash of the server's certificate, if the connection is under TLS and the certificate has one. */
  readonly binding?: Buffer | undefined;
  /** Printable ASCII without a comma. Default: random. */
  readonly serverNonce?: string;
}

/** The longest message of a client. One with 64 KiB of channel binding and nonce would be none of a real client. */
const MAX_MESSAGE_CHARS = 4_096;
const NONCE_BYTES = 18;
const FIRST = /^(?:([ny])|p=([A-Za-z0-9.-]+)),(a=[^,]*)?,(.*)$/s;
const FIRST_BARE = /^n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)((?:,[a-zA-Z]=[^,]*)*)$/;
const FINAL =
  /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[a-zA-Z]=[^,]*)*),p=([A-Za-z0-9+/=]+)$/;

/** Returns the mechanisms to offer, the preferred one first. */
export function scramMechanisms(binding: Buffer | undefined): readonly ScramMechanism[] {
  return binding === undefined ? ['SCRAM-SHA-256'] : ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];
}

/**
 * Begins an exchange. Each call of the returned function takes the client's next message. After `done` or `failed` every
 * further message fails. The user name in the message does not count: PostgreSQL's clients send it in their start-up.
 */
export function scramExchange(options: ScramOptions): (message: string) => ScramStep {
  let challenge: Challenge | undefined;
  let isOver = false;
  return (message) => {
    const step =
      isOver || message.length > MAX_MESSAGE_CHARS
        ? malformed('a message that was not expected')
        : challenge === undefined
          ? readFirst(message, options)
          : readFinal(message, challenge, options.verifier);
    if ('nonce' in step) {
      challenge = step;
      return { kind: 'continue', message: step.message };
    }
    isOver = true;
    return step;
  };
}

interface Challenge {
  readonly nonce: string;
  /** The server's first message. */
  readonly message: string;
  readonly clientFirstBare: string;
  /** What the client must repeat: its header, and under channel binding the certificate's hash. */
  readonly bound: Buffer;
}

function readFirst(
  message: string,
  { mechanism, verifier, binding, serverNonce }: ScramOptions,
): Challenge | ScramStep {
  const [, plain, type, authorization, bare] = FIRST.exec(message) ?? [];
  if (bare === undefined) return malformed('the first message has no header');
  if (authorization !== undefined) return malformed('one user may not act as another');
  const isPlus = mechanism === 'SCRAM-SHA-256-PLUS';
  if (isPlus !== (type !== undefined)) return malformed('mechanism and channel binding disagree');
  if (isPlus && (type !== 'tls-server-end-point' || binding === undefined)) {
    return malformed(`no channel binding of the type ${type}`);
  }
  if (plain === 'y' && binding !== undefined) {
    // The client believes that the server knows no channel binding: somebody has removed it from the offer.
    return malformed('channel binding was offered, and the client did not see the offer');
  }
  const [, , clientNonce, extensions] = FIRST_BARE.exec(bare) ?? [];
  if (clientNonce === undefined) return malformed('the first message has no nonce');
  if (/,m=/.test(extensions ?? '')) return malformed('an extension that must be understood');
  const nonce = clientNonce + (serverNonce ?? randomBytes(NONCE_BYTES).toString('base64'));
  const header = Buffer.from(message.slice(0, message.length - bare.length));
  return {
    nonce,
    message: `r=${nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`,
    clientFirstBare: bare,
    bound: isPlus && binding !== undefined ? Buffer.concat([header, binding]) : header,
  };
}

function readFinal(message: string, challenge: Challenge, verifier: Verifier): ScramStep {
  const [, withoutProof, bound, nonce, proof] = FINAL.exec(message) ?? [];
  if (withoutProof === undefined || bound === undefined || proof === undefined) {
    return malformed('the final message has no proof');
  }
  if (nonce !== challenge.nonce) return malformed("the final message has another exchange's nonce");
  if (bound !== challenge.bound.toString('base64')) {
    return malformed('the channel binding does not fit: the connection may be intercepted');
  }
  const signed = `${challenge.clientFirstBare},${challenge.message},${withoutProof}`;
  const signature = hmac(verifier.storedKey, signed);
  const given = Buffer.from(proof, 'base64');
  const clientKey = Buffer.alloc(signature.length);
  for (const [index, byte] of signature.entries()) clientKey[index] = byte ^ (given[index] ?? 0);
  const isRight =
    timingSafeEqual(createHash('sha256').update(clientKey).digest(), verifier.storedKey) &&
    given.length === signature.length;
  if (!isRight) {
    return { kind: 'failed', sqlState: '28P01', reason: 'password authentication failed' };
  }
  return { kind: 'done', message: `v=${hmac(verifier.serverKey, signed).toString('base64')}` };
}

function malformed(reason: string): ScramStep {
  return { kind: 'failed', sqlState: '08P01', reason: `SCRAM: ${reason}` };
}
