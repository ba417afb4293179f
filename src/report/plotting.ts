/** The packages that draw. They are optional and large, so they are loaded when something is drawn. */
import { readFileSync } from 'node:fs';
import type * as PlotModule from '@observablehq/plot';
import { messageOf, RvbbitError } from '../errors.ts';
import { packageFile } from '../util/package-files.ts';

/** What charts are drawn with. */
export interface Plotting {
  readonly Plot: typeof PlotModule;
  /** Where elements are made: there is no browser here. */
  readonly document: unknown;
}

/** Loads them. Throws RVB_UNSUPPORTED, which says what to install, where they are missing. */
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

/** Names and versions, as this package asks for them. */
function wantedPackages(): string[] {
  const { optionalDependencies } = JSON.parse(
    readFileSync(packageFile('package.json'), 'utf8'),
  ) as { optionalDependencies: Record<string, string> };
  return Object.entries(optionalDependencies).map(([name, version]) => `${name}@${version}`);
}
