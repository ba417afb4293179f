/** Answers that break HTTP. They are written directly to the socket, without the server's own framing. */
import type { Exchange, WireAnswer } from '../exchange.ts';
import type { ChunksFault, CutFault, DisconnectFault } from '../fault.ts';
import { RESET_DELAY_MS } from '../limits.ts';

function head({ headers, type }: WireAnswer, framing: string): string {
  const lines: string[] = [];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  return [
    'HTTP/1.1 200 OK',
    `Content-Type: ${type}`,
    framing,
    'Connection: close',
    ...lines,
    '\r\n',
  ].join('\r\n');
}

/** Writes bytes and closes the connection: by FIN, or by RST after the bytes have had time to arrive. */
function writeAndLeave(exchange: Exchange, bytes: Buffer, how: 'fin' | 'reset'): void {
  exchange.end('faulted');
  const socket = exchange.res.socket;
  if (socket === null) return;
  if (how === 'fin') {
    if (bytes.length > 0) socket.write(bytes);
    socket.destroySoon();
  } else if (bytes.length === 0) {
    socket.resetAndDestroy();
  } else {
    socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), RESET_DELAY_MS));
  }
}

/** Closes the connection before, within or after the headers. */
export function sendDisconnect(
  exchange: Exchange,
  answer: WireAnswer,
  { how, at, afterBytes }: DisconnectFault,
): void {
  const { body } = answer;
  const start = Buffer.from(head(answer, `Content-Length: ${body.length}`));
  switch (at) {
    case 'before-headers':
      writeAndLeave(exchange, Buffer.alloc(0), how);
      return;
    case 'in-headers':
      writeAndLeave(exchange, start.subarray(0, start.length >> 1), how);
      return;
    case 'in-body':
      exchange.entry.status = 200;
      writeAndLeave(exchange, Buffer.concat([start, body.subarray(0, afterBytes)]), how);
      return;
  }
}

/** Sends a body that is shorter, or longer, than its declared length. */
export function sendCut(
  exchange: Exchange,
  answer: WireAnswer,
  { afterBytes, length }: CutFault,
): void {
  const { headers, body, type } = answer;
  const sent = body.subarray(0, afterBytes);
  if (length === 'sent') {
    exchange.send(200, headers, sent, 'faulted', type);
    return;
  }
  exchange.entry.status = 200;
  if (length === 'chunked') {
    exchange.end('faulted');
    exchange.res.writeHead(200, ['Content-Type', type, ...headers]);
    exchange.res.end(sent);
    return;
  }
  const said = length === 'whole' ? body.length : length;
  const start = Buffer.from(head(answer, `Content-Length: ${said}`));
  writeAndLeave(exchange, Buffer.concat([start, sent]), 'fin');
}

/** Sends chunked coding with a wrong chunk size, or without its end. */
export function sendChunks(exchange: Exchange, answer: WireAnswer, fault: ChunksFault): void {
  const { body } = answer;
  exchange.entry.status = 200;
  const sizes: Readonly<Record<ChunksFault['size'], string>> = {
    garbage: 'zz',
    negative: '-5',
    huge: 'ffffffffffffffffffff',
    short: Math.max(1, body.length - 5).toString(16),
    unterminated: body.length.toString(16),
  };
  const parts = [
    Buffer.from(`${head(answer, 'Transfer-Encoding: chunked')}${sizes[fault.size]}\r\n`),
    body,
    Buffer.from(fault.size === 'unterminated' ? '\r\n' : '\r\n0\r\n\r\n'),
  ];
  writeAndLeave(exchange, Buffer.concat(parts), 'fin');
}

/** Sends any bytes instead of an HTTP answer. */
export function sendRaw(exchange: Exchange, bytes: Buffer): void {
  writeAndLeave(exchange, bytes, 'fin');
}
