/** Sends an answer in the way that its fault asks for. */
import type { Exchange, WireAnswer } from '../exchange.ts';
import type { Fault } from '../fault.ts';
import { sendChunks, sendCut, sendDisconnect, sendRaw } from './broken-stream.ts';
import { gzipBomb } from './gzip-bomb.ts';
import { sendDrip, sendEndless, sendStall } from './slow-stream.ts';
import { retryAfterHeader, statusBody } from './status.ts';

/** Sends the answer with its fault. `spoil` and `content` faults have already changed the body. */
export function deliverFault(exchange: Exchange, fault: Fault, answer: WireAnswer): void {
  const { headers, body, type } = answer;
  switch (fault.kind) {
    case 'status': {
      const retryAfter = retryAfterHeader(fault.retryAfter);
      exchange.send(
        fault.status,
        [...headers, ...retryAfter],
        statusBody(fault, answer),
        'faulted',
      );
      return;
    }
    case 'redirect':
      exchange.send(fault.status, [...headers, 'Location', fault.location], '{}', 'faulted');
      return;
    case 'spoil':
    case 'content':
      exchange.send(200, headers, body, 'faulted', type);
      return;
    case 'gzip-bomb':
      exchange.send(
        200,
        [...headers, 'Content-Encoding', 'gzip'],
        gzipBomb(fault.bytes, body),
        'faulted',
      );
      return;
    case 'hang':
      return;
    case 'drip':
      sendDrip(exchange, answer, fault.everyMs, fault.bytes);
      return;
    case 'stall':
      sendStall(exchange, answer, fault.afterBytes);
      return;
    case 'endless':
      sendEndless(exchange, answer, fault.everyMs, fault.bytes);
      return;
    case 'disconnect':
      sendDisconnect(exchange, answer, fault);
      return;
    case 'cut':
      sendCut(exchange, answer, fault);
      return;
    case 'chunks':
      sendChunks(exchange, answer, fault);
      return;
    case 'bytes':
      sendRaw(exchange, Buffer.from(fault.base64 ?? fault.text ?? '', encoding(fault)));
      return;
  }
}

function encoding(fault: { readonly base64?: string | undefined }): BufferEncoding {
  return fault.base64 === undefined ? 'utf8' : 'base64';
}
