/** Connections through an HTTP proxy: CONNECT, then TLS with the server inside. */
import type * as Undici from 'undici';
import type { ProxySettings } from './chat.ts';

type Connect = Undici.buildConnector.connector;

/** The code of a connection that the proxy did not open. */
export const PROXY_REFUSED = 'RVB_PROXY_REFUSED';

/** The code of a connection whose proxy broke off before it had answered. */
export const PROXY_BROKE_OFF = 'RVB_PROXY_BROKE_OFF';

/** undici's codes of a connection that broke off. */
const BROKEN = new Set<unknown>(['UND_ERR_SOCKET', 'UND_ERR_INFO']);

/**
 * The proxy left CONNECT without an answer. A connector that fails under undici's own code is called again at
 * once by its pool, for ever: thousands of times a second.
 */
class ProxyBrokeOffError extends Error {
  readonly code = PROXY_BROKE_OFF;
}

/** The proxy said no to CONNECT. */
export class ProxyRefusedError extends Error {
  readonly code = PROXY_REFUSED;
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered ${status} to CONNECT`);
    this.status = status;
  }
}

/** The header that a proxy with a key wants. */
export function proxyHeaders({ key }: ProxySettings): Readonly<Record<string, string>> {
  if (key === undefined) return {};
  return { 'proxy-authorization': `Basic ${Buffer.from(key).toString('base64')}` };
}

/** Wraps a connector so that it reaches TLS servers through the proxy; `proxy` holds connections to that. */
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
          // undici gives the raw socket of its connection, typed as any stream.
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
