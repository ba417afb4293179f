/** Answers that are sent slowly, stop, or never end. */
import type { Exchange, WireAnswer } from '../exchange.ts';

function open(exchange: Exchange, { headers, type }: WireAnswer, length?: number): void {
  exchange.entry.status = 200;
  exchange.res.writeHead(200, [
    'Content-Type',
    type,
    ...(length === undefined ? [] : ['Content-Length', String(length)]),
    ...headers,
  ]);
  exchange.res.flushHeaders();
}

/** Sends the whole body, `bytes` at a time. */
export function sendDrip(
  exchange: Exchange,
  answer: WireAnswer,
  everyMs: number,
  bytes: number,
): void {
  const { body } = answer;
  open(exchange, answer, body.length);
  let sent = 0;
  const next = () => {
    const part = body.subarray(sent, sent + bytes);
    sent += bytes;
    if (sent >= body.length) {
      exchange.end('faulted');
      exchange.res.end(part);
      return;
    }
    exchange.res.write(part);
    exchange.later(Math.max(1, everyMs), next);
  };
  next();
}

/** Sends the first bytes, then nothing. The call ends when the client leaves. */
export function sendStall(exchange: Exchange, answer: WireAnswer, afterBytes: number): void {
  const { body } = answer;
  open(exchange, answer, body.length);
  if (afterBytes > 0) exchange.res.write(body.subarray(0, Math.min(afterBytes, body.length - 1)));
}

/** Sends the body without its last byte, then spaces as long as the client stays. */
export function sendEndless(
  exchange: Exchange,
  answer: WireAnswer,
  everyMs: number,
  bytes: number,
): void {
  const { body } = answer;
  open(exchange, answer);
  const spaces = Buffer.alloc(bytes, ' ');
  exchange.res.write(body.subarray(0, -1));
  const next = () => {
    // If the client does not read, no more is written, so that this process's memory does not fill up.
    if (!exchange.res.writableNeedDrain) exchange.res.write(spaces);
    exchange.later(Math.max(1, everyMs), next);
  };
  next();
}
