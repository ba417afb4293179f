/** The simulated model server: the protocols of OpenAI and Anthropic on 127.0.0.1, with scripted latency, faults and limits. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveControl } from './control.ts';
import { errorBody, modelsBody } from './envelope.ts';
import type { BatchedRequest, Endpoint, Ledger, LedgerEntry, LedgerMark } from './ledger.ts';
import { KEEP_ALIVE_MS, LISTEN_BACKLOG, MAX_BATCH_BYTES, MAX_BODY_BYTES } from './limits.ts';
import type { SimulatorOptions, SimulatorScript } from './script.ts';
import { serveBatched, serveCall } from './serve-call.ts';
import { SimulatorState } from './state.ts';

/** A running server. */
export interface Simulator {
  /** The base URL, including the version: `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  readonly port: number;
  /** Returns the totals, and the kept entries with an ordinal above `since`. */
  ledger(since?: number): Ledger;
  mark(): LedgerMark;
  /** Returns what became of the requests of batches. */
  batched(): readonly BatchedRequest[];
  /** Empties the ledger, the batches, and resets the limits and the uses of rules. */
  reset(): void;
  /** Replaces the latency, rules or limits. Throws a `TypeError` if they are invalid. */
  script(script: SimulatorScript): void;
  /** Stops the server and closes every connection. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const HOST = '127.0.0.1';

/**
 * Starts a server in this process. `onCall` is called with the entry of every call when the call ends. Rejects with a
 * `TypeError` if the options are invalid, and with the system's error if the port is taken.
 */
export async function startSimulator(
  options: SimulatorOptions = {},
  onCall?: (entry: LedgerEntry) => void,
): Promise<Simulator> {
  const state = new SimulatorState(options, onCall);
  const server = createServer({ noDelay: true, keepAlive: true }, (req, res) =>
    receive(state, req, res),
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = 0;
  server.on('connection', (socket) => {
    const { connections } = state;
    connections.opened += 1;
    connections.open += 1;
    connections.most = Math.max(connections.most, connections.open);
    socket.once('close', () => {
      connections.open -= 1;
    });
  });
  // If a client resets its connection, nothing is reported here: the call's entry shows it.
  server.on('clientError', (_error, socket) => socket.destroy());
  await listen(server, state.settings.port);
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://${HOST}:${port}/v1`,
    port,
    ledger: (since) => ({ totals: state.log.totals(), entries: state.log.entries(since) }),
    mark: () => state.log.mark(),
    batched: () => state.batches.requests(),
    reset: () => state.reset(),
    script: (script) => state.apply(script),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: HOST, backlog: LISTEN_BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function receive(state: SimulatorState, req: IncomingMessage, res: ServerResponse): void {
  const endpoint = endpointOf(req);
  if (endpoint !== undefined) state.gauge.now += 1;
  const parts: Buffer[] = [];
  let size = 0;
  let isOver = false;
  const leave = () => {
    // The whole request never arrived, so it is not a call.
    if (endpoint !== undefined && !isOver) state.gauge.now -= 1;
    isOver = true;
  };
  req.on('data', (part: Buffer) => {
    size += part.length;
    if (isOver) return;
    if (size <= (endpoint === undefined ? MAX_BATCH_BYTES : MAX_BODY_BYTES)) {
      parts.push(part);
      return;
    }
    leave();
    refuse(res, 413, `The body is larger than ${MAX_BODY_BYTES} bytes.`);
    req.resume();
  });
  req.on('error', leave);
  req.on('close', leave);
  req.on('end', () => {
    if (isOver) return;
    isOver = true;
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    if (endpoint !== undefined) serveCall(state, endpoint, req, res, body);
    else serveRest(state, req, res, body);
  });
}

function endpointOf({ method, url }: IncomingMessage): Endpoint | undefined {
  if (method !== 'POST') return undefined;
  if (url === '/v1/chat/completions') return 'chat';
  if (url === '/v1/messages') return 'messages';
  return url === '/v1/embeddings' ? 'embeddings' : undefined;
}

function serveRest(
  state: SimulatorState,
  { method = '', url: path = '/' }: IncomingMessage,
  res: ServerResponse,
  body: Buffer,
): void {
  const [pathname = '', query] = path.split('?', 2);
  if (pathname.startsWith('/sim/')) {
    serveControl(state, `${method} ${pathname}`, new URLSearchParams(query), body, res);
    return;
  }
  const batched = state.batches.serve(
    {
      faults: state.faults,
      seed: state.settings.seed,
      execute: (endpoint, request) => serveBatched(state, endpoint, request),
    },
    `${method} ${pathname}`,
    new URLSearchParams(query),
    body,
  );
  if (batched !== undefined) {
    setTimeout(() => {
      res.writeHead(batched.status, ['Content-Type', 'application/json']);
      res.end(batched.text);
    }, state.faults.replyMs);
    return;
  }
  if (method === 'GET' && pathname === '/v1/models') {
    res.writeHead(200, ['Content-Type', 'application/json']);
    res.end(modelsBody(state.settings.models ?? ['sim']));
    return;
  }
  refuse(res, 404, `Unknown request URL: ${method} ${path}.`);
}

function refuse(res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, ['Content-Type', 'application/json']);
  res.end(errorBody(status, message));
}
