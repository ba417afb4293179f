/** Connections through an HTTP proxy: CONNECT, then TLS with the server inside. */
import type * as Undici from 'undici';
import type { ProxySettings } from './chat.ts';

type Connect = Undici.buildConnector.connector;

/** The code of a connection that the proxy did not open. */
export const PROXY_REFUSED = 'RVB_PROXY_REFUSED';

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
        callback(thrown instanceof Error ? thrown : new Error(String(thrown)), null);
      },
    );
  };
}
