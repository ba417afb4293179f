/** Connections through an HTTP proxy: CONNECT, then TLS with the server inside. */
import type * as Undici from 'undici';
import type { ProxySettings } from './chat.ts';

type Connect = Undici.buildConnector.connector;

/** The error code of a connection that the proxy refused to open. */
export const PROXY_REFUSED = 'RVB_PROXY_REFUSED';

/** The error code of a connection whose proxy broke off before it answered CONNECT. */
export const PROXY_BROKE_OFF = 'RVB_PROXY_BROKE_OFF';

/** undici's error codes of a connection that broke off. */
const BROKEN = new Set<unknown>(['UND_ERR_SOCKET', 'UND_ERR_INFO']);

/**
 * The proxy broke off before it answered CONNECT. This error replaces undici's own: after an error with undici's code,
 * the pool calls the connector again at once, thousands of times a second and without end.
 */
class ProxyBrokeOffError extends Error {
  readonly code = PROXY_BROKE_OFF;
}

/** The proxy refused CONNECT with the status `status`. */
export class ProxyRefusedError extends Error {
  readonly code = PROXY_REFUSED;
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered ${status} to CONNECT`);
    this.status = status;
  }
}

/** Returns the authorization header for a proxy with a key; no headers without a key. */
export function proxyHeaders({ key }: ProxySettings): Readonly<Record<string, string>> {
  if (key === undefined) return {};
  return { 'proxy-authorization': `Basic ${Buffer.from(key).toString('base64')}` };
}

/** Wraps the connector `dial`, so that it reaches TLS servers through the proxy. `proxy` is the pool of the proxy. */
export function tunnelThrough(
  proxy: Undici.Pool,
  settings: ProxySettings,
  dial: Connect,
  timeoutMs: number,
): Connect {
  const headers = proxyHeaders(settings);
  return (address, callback) => {
    const path = `${address.host ?? address.hostname}${address.port ? '' : ':443'}`;
    const signal = AbortSignal.timeout(timeoutMs);
    proxy.connect({ path, headers: { host: path, ...headers }, signal }).then(
      ({ statusCode, socket }) => {
        if (statusCode >= 200 && statusCode < 300) {
          // undici passes the raw socket, but types it as a stream.
          const httpSocket = socket as import('node:net').Socket;
          dial({ ...address, httpSocket }, callback);
          return;
        }
        socket.on('error', () => {}).destroy();
        callback(new ProxyRefusedError(statusCode), null);
      },
      (thrown: unknown) => {
        callback(connectError(thrown), null);
      },
    );
  };
}

function connectError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  if (!BROKEN.has((thrown as NodeJS.ErrnoException).code)) return thrown;
  return new ProxyBrokeOffError(
    `the proxy broke off before it answered to CONNECT (${thrown.message})`,
  );
}
