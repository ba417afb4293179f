/** The body of a response, and how much of it had come when the time was over. */
import type * as Undici from 'undici';
import type { ChatOutcome } from './chat.ts';
import { type Asked, failedChat, statusFailure } from './http-failure.ts';

/** How far an exchange has come; filled in while it runs. */
export interface Progress {
  status: number | undefined;
  bytes: number;
}

/** The whole body; undici ends it with an error beyond the bound. */
export function readBytes(
  body: Undici.Dispatcher.ResponseData['body'],
  progress: Progress,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    body
      .on('data', (chunk: Buffer) => {
        progress.bytes += chunk.length;
        chunks.push(chunk);
      })
      .on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
      .on('error', reject)
      .on('close', () => reject(new Error('the connection was closed')));
  });
}

/** The outcome of a call whose time is over. An error status says more than the time. */
export function timedOut(
  asked: Asked,
  timeoutMs: number,
  { status, bytes }: Progress,
): ChatOutcome {
  const limit = `${Math.round(timeoutMs)} ms`;
  if (status !== undefined && (status < 200 || status >= 300)) {
    return statusFailure(asked, status, { kind: 'other' });
  }
  const what =
    status === undefined
      ? `gave no answer within ${limit}; raise timeout`
      : `did not end its answer within ${limit} (${bytes} bytes came); raise timeout`;
  return failedChat(asked, 'RVB_TIMEOUT', what, {
    retryable: true,
    ...(status === undefined ? {} : { status }),
  });
}
