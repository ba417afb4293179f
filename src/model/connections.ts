/** Opens a provider's connection pool: direct, or through its proxy. */
import type { LookupFunction } from 'node:net';
import type * as Undici from 'undici';
import { MODEL_IDLE_MS, MODEL_RESPONSE_MAX_BYTES, MODEL_STREAM_MAX_BYTES } from '../limits.ts';
import type { HttpSettings } from './chat.ts';
import { guardedLookup } from './guarded-lookup.ts';
import { proxyHeaders, tunnelThrough } from './tunnel.ts';
import { WarmSockets } from './warm-sockets.ts';

/** The time limit of opening a connection, TLS included. */
const MODEL_CONNECT_MS = 10_000;

/** A provider's connection pool, and the parts of a request that depend on its proxy. */
export interface Connections {
  readonly pool: Undici.Pool;
  readonly warm: WarmSockets;
  /** The address that connections are opened to: the server, or a proxy that gets the whole URL. */
  readonly address: Undici.buildConnector.Options;
  /** The request's target: a path, or a whole URL for a proxy that reads it. */
  readonly path: string;
  /** The proxy's headers of each request, as alternating names and values. */
  readonly headers: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the pool, but no connection yet. A proxy gets CONNECT for a server with TLS, so it sees neither key nor prompt.
 * For a server without TLS the proxy gets requests with the whole URL. Variables such as HTTP_PROXY are ignored.
 * `endpoint` is appended to the base URL's path. `isNeeded` is explained at `WarmSockets`. `lookup` resolves names in
 * place of the system.
 */
export async function openConnections(
  settings: HttpSettings,
  endpoint: string,
  isNeeded: () => boolean,
  lookup?: LookupFunction,
): Promise<Connections> {
  const { Pool, buildConnector } = await import('./undici.ts');
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
  const warm = new WarmSockets(reach, MODEL_IDLE_MS, isNeeded);
  const dialled = proxy === undefined || isTunnelled ? base : new URL(proxy.url);
  const pool = new Pool(dialled.origin, {
    connect: warm.connect,
    connections: connections === 0 ? null : connections,
    pipelining: 1,
    keepAliveTimeout: MODEL_IDLE_MS,
    // undici's own timeouts are off: `HttpProvider` bounds each call, and `Exchange` the gaps in its response.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: settings.stream === true ? MODEL_STREAM_MAX_BYTES : MODEL_RESPONSE_MAX_BYTES,
  });
  const path = `${base.pathname.replace(/\/+$/, '')}${endpoint}${base.search}`;
  return {
    pool,
    warm,
    address: {
      hostname: dialled.hostname.replace(/^\[|\]$/g, ''),
      host: dialled.host,
      protocol: dialled.protocol,
      port: dialled.port,
    },
    path: dialled === base ? path : base.origin + path,
    headers:
      dialled === base ? [] : Object.entries({ host: base.host, ...proxyHeaders(proxy!) }).flat(),
    async close() {
      warm.close();
      await pool.destroy();
      await tunnels?.destroy();
    },
  };
}
