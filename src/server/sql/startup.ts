/** The start of a connection: its first packets, the user's identity, and what the client is told of the server. */
import { RvbbitError } from '../../errors.ts';
import { isLoopback } from '../access/reach.ts';
import type { TlsFiles } from '../access/tls-files.ts';
import { readStartup } from './protocol/read-messages.ts';
import { protocolError, refusal } from './protocol-error.ts';
import { accepted, Settings } from './settings.ts';
import type { SocketOutput } from './socket-output.ts';
import type { Wire } from './wire.ts';

/** The first packet: a client that wants a session, or one that wants a statement cancelled. */
export type Opening =
  | {
      readonly kind: 'session';
      /** Who the client says it is. */
      readonly user: string;
      readonly database: string;
      readonly settings: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secret: number };

/**
 * Reads the first packets; undefined if the client leaves. A request for TLS is granted if the server has a certificate.
 * Others are refused, once each.
 */
export async function readOpening(
  wire: Wire,
  tls: TlsFiles | undefined,
): Promise<Opening | undefined> {
  const asked = new Set<string>();
  for (;;) {
    const frame = await wire.source.startup();
    if (frame === undefined) return undefined;
    const message = readStartup(frame);
    switch (message.kind) {
      case 'ssl':
      case 'gssenc':
        if (asked.has(message.kind) || wire.isSecure)
          throw protocolError('encryption was answered already, and is asked for again');
        asked.add(message.kind);
        if (message.kind === 'ssl' && tls !== undefined) {
          await wire.secure(tls);
          break;
        }
        wire.output.writer.raw(Buffer.from('N'));
        wire.output.send();
        break;
      case 'cancel':
        return message;
      case 'startup':
        refuseReadable(wire);
        return sessionOpening(message.minor, message.parameters, wire.output);
    }
  }
}

/** Refuses a client of another machine whose passwords and rows could be read on the way. */
function refuseReadable({ isSecure, address }: Wire): void {
  if (isSecure || isLoopback(address)) return;
  throw refusal('28000', 'clients of other machines connect with TLS alone: sslmode=require');
}

function sessionOpening(
  minor: number,
  parameters: ReadonlyMap<string, string>,
  output: SocketOutput,
): Opening {
  const user = parameters.get('user') ?? '';
  if (user === '') throw refusal('28000', 'no PostgreSQL user name is given in the first packet');
  if (/^(?:true|on|yes|1|database)$/i.test(parameters.get('replication') ?? '')) {
    throw new RvbbitError('RVB_UNSUPPORTED', 'replication is not supported', { stage: 'open' });
  }
  const extensions = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'));
  if (minor > 0 || extensions.length > 0) {
    const { writer } = output;
    writer
      .begin('v')
      .int32(3 << 16)
      .int32(extensions.length);
    for (const name of extensions) writer.cstring(name);
    writer.end();
  }
  const database = parameters.get('database') ?? user;
  return { kind: 'session', user, database, settings: settingsIn(parameters, user) };
}

/** Returns the settings of the first packet: its own, and those of `options=-c name=value`. */
function settingsIn(
  parameters: ReadonlyMap<string, string>,
  user: string,
): ReadonlyMap<string, string> {
  const settings = new Map([['session_authorization', user]]);
  const put = (name: string, value: string) => {
    const key = name.toLowerCase().replaceAll('-', '_');
    if (Settings.has(key)) settings.set(key, accepted(key, value));
  };
  const options = parameters.get('options') ?? '';
  for (const [, name = '', value = ''] of options.matchAll(
    /(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\s\\])*)/g,
  )) {
    put(name, value.replace(/\\(.)/g, '$1'));
  }
  for (const [name, value] of parameters) {
    if (!/^(?:user|database|options|replication)$/.test(name) && !name.startsWith('_pq_.'))
      put(name, value);
  }
  return settings;
}

/** Tells a client that it is in: the settings, and the key by which it can cancel. */
export function welcome(
  { writer }: SocketOutput,
  settings: Settings,
  key: { readonly processId: number; readonly secret: number },
): void {
  writer.begin('R').int32(0).end();
  for (const [name, value] of settings.reported()) writer.parameterStatus(name, value);
  writer.backendKeyData(key.processId, key.secret);
}
