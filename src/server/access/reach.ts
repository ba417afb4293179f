/** Decides whether a server may listen on an address: beyond this machine only with TLS and with users. */
import { isIPv4, isIPv6 } from 'node:net';
import { RvbbitError } from '../../errors.ts';

/** What a server is started with. */
export interface Reach {
  readonly host: string;
  readonly hasTls: boolean;
  readonly hasUsers: boolean;
}

/** True if only programs of this machine reach the address. A path is the socket of a file. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.startsWith('/')) return true;
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  if (v4 !== undefined) return isIPv4(v4) && v4.startsWith('127.');
  return isIPv6(host) && /^(?:0*:)*:?0*1$/.test(host) && !/[2-9a-f]/i.test(host);
}

/** Throws RVB_OPTION_TYPE, with the reason and what to do, if a server may not start like this. */
export function checkReach({ host, hasTls, hasUsers }: Reach): void {
  if (isLoopback(host) || (hasTls && hasUsers)) return;
  const without = [
    ...(hasTls ? [] : ['TLS, so passwords and rows would be readable on the way']),
    ...(hasUsers ? [] : ['users, so everybody who reaches the address could run statements']),
  ];
  const advice = [
    ...(hasTls ? [] : ['--tls-cert FILE --tls-key FILE']),
    ...(hasUsers ? [] : ['--users FILE, which rvbbit user add writes']),
  ];
  throw new RvbbitError(
    'RVB_OPTION_TYPE',
    `the server does not start on ${host || 'every address'}: other machines reach it, and it has no ${without.join('; and no ')}. Give ${advice.join(' and ')}, or listen on 127.0.0.1`,
    { stage: 'open' },
  );
}
