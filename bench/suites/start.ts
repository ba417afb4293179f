/** Cold start: the command line's `select 1` beside a bare DuckDB script, whole processes. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Suite, Variant } from '../suite.ts';

const REPEATS = 5;
const BARE = `import { DuckDBInstance } from '@duckdb/node-api';
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
const reader = await connection.runAndReadAll('select 1');
console.log(JSON.stringify(reader.getRowObjectsJson()));`;

const main = fileURLToPath(new URL('../../bundle/rvbbit.js', import.meta.url));

/** The quickest of some processes: what starting takes when nothing else disturbs it. */
function wholeProcess(name: string, args: readonly string[]): Variant {
  return {
    name,
    async measure() {
      const times = Array.from({ length: REPEATS }, () => {
        const startMs = performance.now();
        execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        return performance.now() - startMs;
      });
      return { ms: Math.min(...times) };
    },
  };
}

export const start: Suite = {
  name: 'start',
  about: 'a process that answers `select 1`',
  variants: [
    wholeProcess('bare DuckDB script', ['--input-type=module', '-e', BARE]),
    wholeProcess('rvbbit -c', [main, '-c', 'select 1', '--format', 'json']),
  ],
  figures: (median) => [
    {
      name: 'rvbbit against a bare script',
      value: median('rvbbit -c', 'ms') / median('bare DuckDB script', 'ms'),
      unit: '×',
      atMost: 1.3,
    },
  ],
};
