/** Cold start: compares whole processes of the command line and of the library with a bare DuckDB script. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Suite, Variant } from '../suite.ts';

const REPEATS = 5;
const BARE = `import { DuckDBInstance } from '@duckdb/node-api';
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
const reader = await connection.runAndReadAll('select 1');
console.log(JSON.stringify(reader.getRowObjectsJson()));`;
const CASCADE = `cascade_id: twice
inputs_schema: { type: object, required: [n], properties: { n: { type: number } } }
cells:
  - { name: twice, tool: js, inputs: { code: 'return input.n * 2;' } }
`;
const MAP = "RVBBIT MAP 'twice.yaml' USING (SELECT 21 AS n)";
const LIBRARY = `import { Engine } from 'rvbbit';
const engine = await Engine.open({ cascades: process.argv[1] });
console.log(JSON.stringify((await engine.query(${JSON.stringify(MAP)})).rows));
await engine.close();`;

const main = fileURLToPath(new URL('../../bundle/rvbbit.js', import.meta.url));

/** Measures the fastest of several processes, so that disturbances do not count. `argsFor` gets a folder with the cascade. */
function wholeProcess(name: string, argsFor: (folder: string) => readonly string[]): Variant {
  return {
    name,
    async measure() {
      const folder = mkdtempSync(join(tmpdir(), 'rvbbit-start-'));
      try {
        writeFileSync(join(folder, 'twice.yaml'), CASCADE);
        const args = argsFor(folder);
        const times = Array.from({ length: REPEATS }, () => {
          const startMs = performance.now();
          execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
          return performance.now() - startMs;
        });
        return { ms: Math.min(...times) };
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

function script(name: string, code: string): Variant {
  return wholeProcess(name, (folder) => ['--input-type=module', '-e', code, folder]);
}

function commandLine(name: string, sql: string): Variant {
  return wholeProcess(name, (folder) => [
    ...[main, '-q', '--cascades', folder, '--state-dir', join(folder, 'state')],
    ...['-c', sql, '--format', 'json'],
  ]);
}

const MEANS = "SELECT * FROM (VALUES ('a'), ('b')) AS t(d) WHERE d MEANS 'x'";

/** Measures the fastest time from a process's start to its first request to a model server, which ends it. */
async function firstCall(): Promise<{ readonly ms: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-start-'));
  const server = createServer().listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    writeFileSync(
      join(folder, 'rvbbit.config.yaml'),
      `model: sim/m\nproviders:\n  sim: { type: openai-compatible, base_url: 'http://127.0.0.1:${port}' }\n`,
    );
    const times: number[] = [];
    while (times.length < REPEATS) {
      const startMs = performance.now();
      const args = [main, '-q', '--no-state', '-c', MEANS];
      const child = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
      await once(server, 'request', { signal: AbortSignal.timeout(60_000) });
      times.push(performance.now() - startMs);
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    return { ms: Math.min(...times) };
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  }
}

const BASELINE = 'bare DuckDB script';

export const start: Suite = {
  name: 'start',
  about:
    'a process that answers `select 1`, one that runs a MAP of one row, and one up to its first call of MEANS',
  variants: [
    script(BASELINE, BARE),
    commandLine('rvbbit -c SELECT', 'select 1'),
    commandLine('rvbbit -c MAP', MAP),
    script('library MAP', LIBRARY),
    { name: 'first call of MEANS', measure: firstCall },
  ],
  figures: (median) =>
    (
      [
        ['rvbbit -c SELECT', 1.3],
        ['rvbbit -c MAP', 1.6],
        ['library MAP', 1.5],
        ['first call of MEANS', 2.1],
      ] as const
    ).map(([name, atMost]) => ({
      name: `${name} against a bare script`,
      value: median(name, 'ms') / median(BASELINE, 'ms'),
      unit: '×',
      atMost,
    })),
};
