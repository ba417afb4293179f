/** The shell on a pseudo-terminal: Ctrl-C as the terminal sends it, keys typed ahead, and the terminal's state at the end. */
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSimulator } from '../../../src/sim/spawn.ts';
import { cases, mulberry, reportCases, seed } from '../../support/cases.ts';
import { makeFolder, removeFolder } from '../spawn.ts';
import { Terminal } from './terminal.ts';

const PYTHON = ['python3', '-c', 'import pty, sys; pty.spawn(sys.argv[1:])'];
const CASCADE = `cascade_id: slow
inputs_schema: { word: a word }
cells:
  - name: a
    instructions: "say {{ input.word }}"
`;
const MAP =
  "RVBBIT MAP PARALLEL 4 'slow.yaml' AS v USING (SELECT 'w' || i AS word FROM range(100) t(i));";

test('Ctrl-C stops a MAP within a second at any time, the shell lives, and leaves the terminal as it was', async () => {
  if (spawnSync('python3', ['-c', 'import pty']).status !== 0) {
    console.log('cases: 0, because there is no python3 that makes a pseudo-terminal');
    return;
  }
  const wanted = cases(4, 40);
  const random = mulberry(seed);
  await using server = await spawnSimulator({ latency: { kind: 'constant', ms: 1000 } });
  const folder = makeFolder({ 'slow.yaml': CASCADE });
  try {
    const env = { OPENAI_BASE_URL: server.url, RVBBIT_MODEL: 'openai/test' };
    await using terminal = new Terminal(['-s', '--no-state'], { cwd: folder, env, pty: PYTHON });
    await terminal.until(/rvbbit> /);
    for (let round = 0; round < wanted; round++) {
      terminal.type(`${MAP}\r`);
      await terminal.until(/rows, \d+ calls/);
      await new Promise((resolve) => setTimeout(resolve, random() * 2_500));
      const started = performance.now();
      terminal.type('\x03');
      const end = await terminal.until(/rvbbit> /);
      const tookMs = performance.now() - started;
      assert.ok(tookMs < 1_000, `it took ${tookMs} ms`);
      assert.match(end, /stopping the statement[\s\S]*incomplete/);
      assert.match(
        await terminal.run(`SELECT ${round} + 1000 AS alive;`),
        new RegExp(`${round + 1000}`),
      );
    }
    terminal.type(
      "SELECT sum(i) AS total FROM range(300000000) t(i);\rSELECT 'typed ' || 'ahead';\r",
    );
    await terminal.until(/typed ahead +│[\s\S]*rvbbit> /);
    terminal.type('\x04');
    await terminal.until(/exit 0[\s\S]* icanon[\s\S]* echo /);
    reportCases(wanted, 'MAPs were stopped by Ctrl-C on a pseudo-terminal');
  } finally {
    removeFolder(folder);
  }
});

test.run();
