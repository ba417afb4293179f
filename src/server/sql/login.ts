/** The login of a client by SCRAM. https://www.postgresql.org/docs/14/sasl-authentication.html */
import { type ScramStep, scramExchange, scramMechanisms } from '../access/scram.ts';
import type { LoginThrottle } from '../access/throttle.ts';
import type { Users } from '../access/users.ts';
import type { User } from '../access/users-file.ts';
import { readLoginStart, readLoginText } from './protocol/read-messages.ts';
import { protocolError, refusal } from './protocol-error.ts';
import type { Wire } from './wire.ts';

/** The kinds of the authentication message R. */
const SASL = 10;
const SASL_CONTINUE = 11;
const SASL_FINAL = 12;

/** Who may log in, and which addresses must wait. */
export interface Gate {
  readonly users: Users;
  readonly throttle: LoginThrottle;
}

/**
 * Lets a client prove who it is. Throws 28P01 for a wrong password or an unknown user, and 28000 for an address that must
 * wait; undefined if the client leaves before it has proved anything, as psql does to ask for the password.
 */
export async function logIn(
  name: string,
  { source, output, address, binding }: Wire,
  { users, throttle }: Gate,
): Promise<User | undefined> {
  const refuseEarly = () => {
    const waitMs = throttle.waitMs(address);
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1_000);
    throw refusal('28000', `too many logins from this address have failed; wait ${seconds} s`);
  };
  refuseEarly();
  const { verifier, user } = await users.login(name);
  const { writer } = output;
  const offered = scramMechanisms(binding);
  writer.begin('R').int32(SASL);
  for (const mechanism of offered) writer.cstring(mechanism);
  writer.byte(0).end();
  output.send();
  const first = await source.login();
  if (first === undefined) return undefined;
  const { mechanism: asked, text } = readLoginStart(first);
  const mechanism = offered.find((each) => each === asked);
  if (mechanism === undefined) {
    throw protocolError(`the client asks for another way to log in than ${offered.join(' and ')}`);
  }
  const next = scramExchange({ mechanism, verifier, binding });
  const challenge = next(text);
  if (challenge.kind !== 'continue') throw failure(challenge, name);
  writer.begin('R').int32(SASL_CONTINUE).text(challenge.message).end();
  output.send();
  const final = await source.login();
  if (final === undefined) return undefined;
  const proof = readLoginText(final);
  // Once more, and nothing is awaited up to the count: of many logins at a time, no more may guess.
  refuseEarly();
  const step = next(proof);
  if (step.kind !== 'done' || user === undefined) {
    if (step.kind !== 'failed' || step.sqlState === '28P01') throttle.failed(address);
    throw failure(step, name);
  }
  writer.begin('R').int32(SASL_FINAL).text(step.message).end();
  return user;
}

function failure(step: ScramStep, name: string): Error {
  if (step.kind === 'failed' && step.sqlState === '08P01') return protocolError(step.reason);
  return refusal('28P01', `password authentication failed for user "${name}"`);
}
