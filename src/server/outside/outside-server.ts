/** A small HTTP server for those who watch over the process: `/healthz` and `/metrics`, on a loopback port. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, RvbbitError } from '../../errors.ts';
import type { Metrics } from './metrics.ts';

const HOST = '127.0.0.1';
/** A request is a line and a few headers; whoever takes longer is cut off. */
const REQUEST_MS = 5_000;
const MAX_CONNECTIONS = 32;

/** What the server tells. */
export interface OutsideOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Returns why the process takes no statements, e.g. `draining`; undefined if it does. */
  readonly unhealthy?: () => string | undefined;
}

/** A running server. */
export interface OutsideServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts the server. Throws RVB_OPTION_TYPE if the port cannot be had. */
export async function startOutside({
  port,
  metrics,
  unhealthy = () => undefined,
}: OutsideOptions): Promise<OutsideServer> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      const answer = (status: number, type: string, text: string) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
        response.end(request.method === 'HEAD' ? undefined : text);
      };
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return answer(405, 'text/plain; charset=utf-8', 'only GET\n');
      }
      switch (request.url?.split('?')[0]) {
        case '/healthz': {
          const why = unhealthy();
          return answer(
            why === undefined ? 200 : 503,
            'text/plain; charset=utf-8',
            `${why ?? 'ok'}\n`,
          );
        }
        case '/metrics':
          return answer(200, 'text/plain; version=0.0.4; charset=utf-8', metrics.text());
        default:
          return answer(404, 'text/plain; charset=utf-8', '/healthz or /metrics\n');
      }
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listening(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (thrown) => {
      const message = `cannot listen on ${HOST}:${port} for metrics: ${messageOf(thrown)}`;
      reject(new RvbbitError('RVB_OPTION_TYPE', message, { stage: 'open', cause: thrown }));
    });
    server.listen(port, HOST, resolve);
  });
}
