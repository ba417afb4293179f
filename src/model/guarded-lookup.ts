/** Resolves host names, but refuses a public name with a private address. */
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isNearName, isPrivateAddress } from './private-address.ts';

/** The error code of a connection that was not opened, because its public name has a private address. */
export const PRIVATE_ADDRESS = 'RVB_PRIVATE_ADDRESS';

/**
 * Wraps a socket's `lookup`. The socket connects to exactly the checked address, so a name that changes its address
 * between check and use (DNS rebinding) gains nothing. A single private address among several refuses the name.
 */
export function guardedLookup(lookup: LookupFunction = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error !== null) {
        callback(error, address, family);
        return;
      }
      const found = Array.isArray(address) ? address.map((item) => item.address) : [address];
      const bad = isNearName(hostname) ? undefined : found.find(isPrivateAddress);
      if (bad === undefined) callback(null, address, family);
      else callback(privateAddressError(hostname, bad), [], 0);
    });
  };
}

function privateAddressError(hostname: string, address: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} is the private address ${address}`), {
    code: PRIVATE_ADDRESS,
  });
}
