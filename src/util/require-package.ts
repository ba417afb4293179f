/** Loads packages that this one depends on when they are first used. */
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { RvbbitError } from '../errors.ts';
import { codeFile } from './code-file.ts';

let require: NodeJS.Require | undefined;

/**
 * The exports of a CommonJS package. Quicker than `import()`, which reads each file of such a package twice, once for the
 * names of its exports: @duckdb/node-api takes 120 ms and not 200. No bundler follows the call, so the package is found
 * where it is installed. Throws RVB_INSTALL where it is not.
 */
export function requirePackage(name: string): unknown {
  require ??= createRequire(codeFile());
  // Node 20 and 22 do not follow the links that pnpm makes of packages where the last file that the process has looked at
  // is a pipe, such as its standard output: so look at another one.
  statSync('/');
  try {
    return require(name);
  } catch (thrown) {
    if (!isMissing(thrown, name)) throw thrown;
    throw new RvbbitError(
      'RVB_INSTALL',
      `the package ${name} is not installed for ${codeFile()}: run npm install there; an application that is bundled with rvbbit needs rvbbit and its packages installed above its bundle, see docs/bundling.md`,
      { stage: 'open', cause: thrown },
    );
  }
}

/** False where the package is there, and a file that it loads itself is not. */
function isMissing(thrown: unknown, name: string): boolean {
  return (
    thrown instanceof Error &&
    'code' in thrown &&
    thrown.code === 'MODULE_NOT_FOUND' &&
    thrown.message.startsWith(`Cannot find module '${name}'`)
  );
}
