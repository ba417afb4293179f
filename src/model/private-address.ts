/** Recognizes addresses of this machine or its network, and host names that obviously mean such addresses. */
import { BlockList, isIP } from 'node:net';

/** Loopback, private, link-local (cloud metadata), shared, test, multicast and reserved ranges of IPv4. */
const PRIVATE_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
const PRIVATE_V6: readonly (readonly [string, number])[] = [
  ['::', 128],
  ['::1', 128],
  // NAT64 within a network, whatever the position of the IPv4 address is.
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const blocked = new BlockList();
for (const [net, bits] of PRIVATE_V4) {
  blocked.addSubnet(net, bits, 'ipv4');
  const [a, b, c, d] = net.split('.').map(Number);
  const hex = `${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`;
  // IPv4 addresses inside IPv6 addresses: compatible, translated, NAT64 and 6to4. BlockList itself knows ::ffff:….
  blocked.addSubnet(`::${hex}`, 96 + bits, 'ipv6');
  blocked.addSubnet(`::ffff:0:${hex}`, 96 + bits, 'ipv6');
  blocked.addSubnet(`64:ff9b::${hex}`, 96 + bits, 'ipv6');
  blocked.addSubnet(`2002:${hex}::`, 16 + bits, 'ipv6');
}
for (const [net, bits] of PRIVATE_V6) blocked.addSubnet(net, bits, 'ipv6');

/** True for an address that no public service has. A text that is not an IP address also counts as private. */
export function isPrivateAddress(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const version = isIP(plain);
  return version === 0 || blocked.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

/**
 * True for a host name that shows that the operator means a server nearby: an IP address, a name without a dot,
 * `localhost`, and names under `.localhost`, `.local` and `.internal` (`host.docker.internal`).
 */
export function isNearName(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0) return true;
  return !name.includes('.') || /\.(?:localhost|local|internal)$/.test(name);
}
