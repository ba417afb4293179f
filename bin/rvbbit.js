#!/usr/bin/env node
// The command line. It is there before the first build, because npx remembers what a clone does not have; then it builds.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/bundle/rvbbit.js', import.meta.url);
const build = fileURLToPath(new URL('../.ci/build.mjs', import.meta.url));
if (!existsSync(main)) {
  process.stderr.write('rvbbit: this clone is not built yet; building it, once\n');
  // The results of a statement are all that stdout may hold.
  const { status } = spawnSync(process.execPath, [build], { stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    process.stderr.write('rvbbit: the build failed: see above, then npm ci && npm run build\n');
    process.exit(3);
  }
}
await import(main.href);
