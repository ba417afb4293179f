/** The errors of the server: what a client may not send, and what the server refuses. */
import { RvbbitError } from '../../errors.ts';

/** Returns the error of a message that the protocol does not allow. The connection ends with it. */
export function protocolError(message: string): RvbbitError {
  return new RvbbitError('RVB_PROTOCOL', message, { stage: 'read' });
}

/** Returns the error of a statement or message that the server refuses, with its SQLSTATE. The connection goes on. */
export function refusal(sqlState: string, message: string): RvbbitError {
  return new RvbbitError('RVB_SQL', message, { stage: 'bind', sqlState });
}

/** Returns the error of something that Postgres has and this server has not. */
export function unsupported(message: string): RvbbitError {
  return new RvbbitError('RVB_UNSUPPORTED', message, { stage: 'bind' });
}

/** Throws an error without its place, which is in another text than the one that the client sent. */
export function withoutPlace(thrown: unknown): never {
  if (!(thrown instanceof RvbbitError) || thrown.place === undefined) throw thrown;
  const { code, message, stage, sqlState, cause } = thrown;
  throw new RvbbitError(code, message, { stage, sqlState, cause });
}
