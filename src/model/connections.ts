/** A provider's pool of connections: direct, or through its proxy. */
import type { LookupFunction } from 'node:net';
import type * as Undici from 'undici';
import { MODEL_IDLE_MS, MODEL_RESPONSE_MAX_BYTES, MODEL_STREAM_MAX_BYTES } from '../limits.ts';
import type { HttpSettings } from './chat.ts';
import { guardedLookup } from './guarded-lookup.ts';
import { proxyHeaders, tunnelThrough } from './tunnel.ts';
import { WarmSockets } from './warm-sockets.ts';

/** From the first packet to an open connection, TLS included. */
const MODEL_CONNECT_MS = 10_000;

/** What a call goes out over. */
export interface Connections {
  readonly pool: Undici.Pool;
  readonly warm: WarmSockets;
  /** What a connection is opened to: the server, or the proxy that is asked in its place. */
  readonly address: Undici.buildConnector.Options;
  /** The request's target, a whole URL where a proxy reads it. */
  readonly path: string;
  /** What the proxy needs in each request: names and values in turn. */
  readonly headers: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the pool, and no connection yet. A server over TLS is reached through the proxy by CONNECT, so the
 * proxy sees neither key nor prompt; one without TLS by asking the proxy for the whole URL. Variables such
 * as HTTP_PROXY count for nothing. `endpoint` is the path after that of the base URL; `isNeeded` is as for `WarmSockets`, `lookup` as for sockets.
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
    // The deadline of each call counts, not gaps between bytes.
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
