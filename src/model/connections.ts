/** Opens a provider's connection pool: direct, or through its proxy. */
import type { LookupFunction } from 'node:net';
import type * as Undici from 'undici';
import { MODEL_IDLE_MS, MODEL_RESPONSE_MAX_BYTES, MODEL_STREAM_MAX_BYTES } from '../limits.ts';
import type { HttpSettings } from './chat.ts';
import { guardedLookup } from './guarded-lookup.ts';
import { ProviderSockets, type ThreadSockets } from './sockets.ts';
import { proxyHeaders, tunnelThrough } from './tunnel.ts';

/** The time limit of opening a connection, TLS included. */
const MODEL_CONNECT_MS = 10_000;

/** A provider's connection pool, and the parts of a request that depend on its proxy. */
export interface Connections {
  readonly pool: Undici.Pool;
  readonly sockets: ProviderSockets;
  /** The request's target: a path, or a whole URL for a proxy that reads it. */
  readonly path: string;
  /** The proxy's headers of each request, as alternating names and values. */
  readonly headers: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the pool, but no connection yet. A proxy gets CONNECT for a server with TLS, so it sees neither key nor prompt.
 * For a server without TLS the proxy gets requests with the whole URL. Variables such as HTTP_PROXY are ignored.
 * `endpoint` is appended to the base URL's path. `calls` returns the number of calls in flight. `lookup` resolves names
 * in place of the system.
 */
export async function openConnections(
  settings: HttpSettings,
  endpoint: string,
  {
    calls,
    thread,
    lookup,
    maxResponseSize = settings.stream === true ? MODEL_STREAM_MAX_BYTES : MODEL_RESPONSE_MAX_BYTES,
  }: {
    readonly calls: () => number;
    readonly thread: ThreadSockets;
    readonly lookup: LookupFunction | undefined;
    readonly maxResponseSize?: number;
  },
): Promise<Connections> {
  const { Client, Pool, buildConnector } = await import('./undici.ts');
  const { proxy, connections, allowPrivate } = settings;
  const base = new URL(settings.baseUrl);
  const resolve = allowPrivate === true ? lookup : guardedLookup(lookup);
  const dial = buildConnector({
    timeout: MODEL_CONNECT_MS,
    ...(resolve === undefined ? {} : { lookup: resolve }),
  });
  const isTunnelled = proxy !== undefined && base.protocol === 'https:';
  const tunnels = isTunnelled
    ? new Pool(new URL(proxy.url).origin, { connect: dial, pipelining: 1 })
    : undefined;
  const reach =
    isTunnelled && tunnels !== undefined
      ? tunnelThrough(tunnels, proxy, dial, MODEL_CONNECT_MS)
      : dial;
  const sockets = new ProviderSockets(reach, calls, thread);
  const dialled = proxy === undefined || isTunnelled ? base : new URL(proxy.url);
  const pool = new Pool(dialled.origin, {
    factory: (origin, options) => {
      const connect: Undici.buildConnector.connector = (address, callback) =>
        sockets.connect(client, address, callback);
      const client = new Client(origin, { ...options, connect });
      return client;
    },
    connections: connections === 0 ? null : connections,
    pipelining: 1,
    keepAliveTimeout: MODEL_IDLE_MS,
    // undici's own timeouts are off: `HttpProvider` bounds each call, and `Exchange` the gaps in its response.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize,
  });
  const path = `${base.pathname.replace(/\/+$/, '')}${endpoint}${base.search}`;
  return {
    pool,
    sockets,
    path: dialled === base ? path : base.origin + path,
    headers:
      dialled === base ? [] : Object.entries({ host: base.host, ...proxyHeaders(proxy!) }).flat(),
    async close() {
      sockets.close();
      await pool.destroy();
      await tunnels?.destroy();
    },
  };
}
