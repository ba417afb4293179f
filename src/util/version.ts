/** The version of this package. */
import { readFileSync } from 'node:fs';

let version: string | undefined;

/** As `package.json` has it. */
export function packageVersion(): string {
  if (version === undefined) {
    const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
    version = String((JSON.parse(text) as { version?: unknown }).version);
  }
  return version;
}
