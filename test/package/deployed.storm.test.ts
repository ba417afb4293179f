/** The Dockerfile and the systemd unit of docs/connect.md: their steps run in a folder, with the installed tarball. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { portOf } from '../clients/shop.ts';
import { reportCases } from '../support/cases.ts';
import { PgClient } from '../support/pg-client.ts';
import { type InstalledApp, installApp } from './installed-app.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(`${root}docs/connect.md`, 'utf8');
const exec = promisify(execFile);
/** How long the server lets statements run after a signal. */
const DRAIN_S = 10;
/** It has a cascade that the Dockerfile copies, and is kept in the journal. */
const MAP = "RVBBIT MAP 'price_band.yaml' AS band USING (SELECT 9.5 AS price)";

let app: InstalledApp;
let folder: string;
let count = 0;
test.before(async () => {
  app = await installApp();
  folder = mkdtempSync(join(tmpdir(), 'rvbbit-deployed-'));
});
test.after(() => {
  app.remove();
  rmSync(folder, { recursive: true, force: true });
  reportCases(count, 'steps of the Dockerfile and the unit');
});

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(page)![1]!;
}

/** Connects as a client, asks, and ends the server as a service manager does. Gives its exit code. */
async function tryServer(
  server: ChildProcess,
  ...statements: readonly string[]
): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => server.once('close', resolve));
  try {
    const client = await PgClient.connect(await portOf(server), { database: 'shop' });
    assert.equal((await client.query('SELECT 1')).rows, [['1']]);
    for (const sql of ['CREATE TABLE kept AS SELECT 1 AS one', ...statements]) {
      assert.is((await client.query(sql)).error?.get('M'), undefined, sql);
    }
    client.close();
    server.kill('SIGTERM');
    return await ended;
  } finally {
    server.kill('SIGKILL');
  }
}

function start(words: readonly string[], cwd: string): ChildProcess {
  // The port may be taken.
  const [command = '', ...args] = words.map((word) => (word === '15432' ? '0' : word));
  return spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}

test('the steps of the Dockerfile end in a server that answers, and that SIGTERM ends with 0', async () => {
  const steps = block('dockerfile')
    .trim()
    .split('\n')
    .map((line) => /^([A-Z]+) (.*)$/.exec(line)!.slice(1) as [string, string]);
  let cwd = folder;
  let code: number | null = null;
  const seen: string[] = [];
  for (const [step, text] of steps) {
    seen.push(step);
    count += 1;
    if (step === 'WORKDIR') {
      cwd = join(folder, text);
      mkdirSync(cwd, { recursive: true });
    } else if (step === 'RUN') {
      // The install is that of the tarball, and the owner is who runs the test.
      assert.match(text, /^npm install rvbbit && .*chown node data$/);
      cpSync(app.folder, cwd, { recursive: true, verbatimSymlinks: true });
      const rest = text
        .replace('npm install rvbbit && ', '')
        .replace('chown node', 'chown $(id -u)');
      await exec('bash', ['-ec', rest], { cwd });
    } else if (step === 'COPY') {
      const [from = '', to = ''] = text.split(' ');
      cpSync(join(root, 'examples', from), join(cwd, to), { recursive: true });
    } else if (step === 'USER') {
      assert.is.not(text, 'root');
    } else if (step === 'VOLUME') {
      assert.ok(existsSync(join(folder, text)));
    } else if (step === 'EXPOSE') {
      assert.is(text, '15432');
    } else if (step === 'CMD') {
      code = await tryServer(start(JSON.parse(text), cwd), MAP);
    } else {
      assert.is(step, 'FROM');
      assert.is(text, 'node:20-slim');
    }
  }
  assert.is(code, 0);
  assert.equal(seen.at(-1), 'CMD');
  // All that it wrote is in the volume.
  for (const made of ['data/shop.duckdb', 'data/.rvbbit'])
    assert.ok(existsSync(join(cwd, made)), made);
  assert.not.ok(existsSync(join(cwd, '.rvbbit')));
});

test('the unit starts the server in its folder, and waits longer than the server takes to end', async () => {
  const settings = new Map(
    [...block('ini').matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]),
  );
  const cwd = join(folder, settings.get('WorkingDirectory')!);
  mkdirSync(cwd, { recursive: true });
  const bin = join(app.folder, 'node_modules/.bin/rvbbit');
  const [command, ...args] = settings.get('ExecStart')!.split(' ');
  assert.is(command, '/usr/local/bin/rvbbit');
  assert.is(await tryServer(start([bin, ...args], cwd)), 0);
  assert.ok(existsSync(join(cwd, 'shop.duckdb')));
  assert.ok(Number(settings.get('TimeoutStopSec')) > DRAIN_S);
  assert.is(join('/var/lib', settings.get('StateDirectory')!), settings.get('WorkingDirectory'));
  count += 1;
});

test.run();
