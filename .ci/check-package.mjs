// Checks what users install: publint and attw read the packed tarball, and a small application runs on the supported
// versions of Node. Prints one line for each check. What cannot be downloaded is not checked: a line that begins with
// "not checked" says so, and .ci/run repeats it at its end.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BODY, installApp } from '../dist/test/package/installed-app.js';

/** Each is an npm package by platform, of 120 MB; the one that runs this script is there anyway. */
const NODES = [20, 22, 24];
const OWN = parseInt(process.versions.node, 10);
const DOWNLOAD_MAX_MS = 120_000;

const platform = process.platform === 'win32' ? 'win' : process.platform;
const folder = mkdtempSync(join(tmpdir(), 'rvbbit-check-'));
const app = await installApp();
const run = (command, args, cwd = folder) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const problems = [];
function check(name, work) {
  const startedMs = performance.now();
  try {
    console.log(`${name}: ${work()}, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  } catch (thrown) {
    problems.push(`${name}: ${thrown.stdout ?? ''}${thrown.stderr ?? thrown.message}`);
  }
}

/** Installs npm packages into a folder of their own. Gives the folder; undefined if they cannot be downloaded. */
function download(name, ...packages) {
  const prefix = join(folder, name.replaceAll(' ', '-'));
  mkdirSync(prefix);
  const options = ['--no-save', '--no-audit', '--no-fund', '--fetch-retries', '1'];
  try {
    execFileSync('npm', ['install', ...options, '--prefix', prefix, ...packages], {
      cwd: prefix,
      stdio: 'pipe',
      timeout: DOWNLOAD_MAX_MS,
    });
    return join(prefix, 'node_modules');
  } catch (thrown) {
    const lines = String(thrown.stderr ?? thrown.message)
      .trim()
      .split('\n');
    const reason = lines.find((line) => line.startsWith('npm error')) ?? lines[0];
    console.log(`not checked: ${name}, which cannot be downloaded (${reason})`);
    return undefined;
  }
}

try {
  const tools = download('publint and attw', 'publint@0.3.25', '@arethetypeswrong/cli@0.18.5');
  const bin = (name) => join(tools, '.bin', name);
  const checkTool = (name, work) => {
    if (tools !== undefined) check(name, work);
  };
  checkTool('publint', () => {
    run(bin('publint'), [app.tarball, '--strict']);
    return 'nothing to say';
  });
  checkTool('attw', () => {
    // `node16` leaves out node10, which knows no exports. That `require` gives an ES module is meant: Node takes it from
    // 20.19 on, the oldest that is supported, which is tried below.
    const allowed = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'];
    run(bin('attw'), [app.tarball, ...allowed]);
    return 'nothing to say';
  });
  app.write(
    'esm.mjs',
    `import { Engine } from 'rvbbit';\nimport { parse } from 'rvbbit/grammar';\n${BODY}`,
  );
  app.write(
    'cjs.cjs',
    `const { Engine } = require('rvbbit');\nconst { parse } = require('rvbbit/grammar');\n${BODY}`,
  );
  for (const major of NODES) {
    const name = `Node ${major}`;
    const isOwn = major === OWN;
    const source = `node${major}@npm:node-${platform}-${process.arch}@${major}`;
    const modules = isOwn ? '' : download(name, source);
    if (modules === undefined) continue;
    const node = isOwn ? process.execPath : join(modules, `node${major}/bin/node`);
    check(name, () => {
      for (const file of ['esm.mjs', 'cjs.cjs']) {
        const said = run(node, [file], app.folder);
        if (said !== '42 Map\n') throw new Error(`${file} prints ${said}`);
      }
      return run(node, ['--version']).trim();
    });
  }
} finally {
  app.remove();
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
