/** The version of this package. */
import { readFileSync } from 'node:fs';
import { packageFile } from './package-files.ts';

let version: string | undefined;

/** Returns the version in `package.json`. */
export function packageVersion(): string {
  if (version === undefined) {
    const text = readFileSync(packageFile('package.json'), 'utf8');
    version = String((JSON.parse(text) as { version?: unknown }).version);
  }
  return version;
}
