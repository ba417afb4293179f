/** Loads the packages that draw charts. They are optional and large, so they are loaded only when a chart is drawn. */
import { readFileSync } from 'node:fs';
import type * as PlotModule from '@observablehq/plot';
import { messageOf, RvbbitError } from '../errors.ts';
import { packageFile } from '../util/package-files.ts';

/** The loaded packages that draw charts. */
export interface Plotting {
  readonly Plot: typeof PlotModule;
  /** The document that makes elements, because there is no browser here. */
  readonly document: unknown;
}

/** Loads the packages. Throws RVB_UNSUPPORTED if they cannot be loaded; the message says what to install. */
export async function loadPlotting(): Promise<Plotting> {
  try {
    const [Plot, { parseHTML }] = await Promise.all([
      import('@observablehq/plot'),
      import('linkedom'),
    ]);
    return { Plot, document: parseHTML('<!doctype html><html><body></body></html>').document };
  } catch (thrown) {
    throw new RvbbitError(
      'RVB_UNSUPPORTED',
      `a report is drawn with optional packages that cannot be loaded (${messageOf(thrown).split('\n', 1)[0]}): npm install ${wantedPackages().join(' ')}`,
      { stage: 'open', cause: thrown },
    );
  }
}

/** Returns the names and versions of the optional packages, as in package.json. */
function wantedPackages(): string[] {
  const { optionalDependencies } = JSON.parse(
    readFileSync(packageFile('package.json'), 'utf8'),
  ) as { optionalDependencies: Record<string, string> };
  return Object.entries(optionalDependencies).map(([name, version]) => `${name}@${version}`);
}
