/** Ctrl-C and SIGTERM while calls are in flight: the first lets them end, the second ends the process. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { readRecords } from '../kill/journal-files.ts';
import { cascades } from '../model/engine-support.ts';
import { cases, reportCases } from '../support/cases.ts';
import { rvbbit } from './spawn.ts';

const ROWS = 200;
const LANES = 5;
const SQL = `RVBBIT MAP PARALLEL ${LANES} 'patient.yaml' AS v USING (
  SELECT 'row' AS word, i AS number, '{}' AS sim FROM range(${ROWS}) t(i)) WITH (limit = ${ROWS})`;

test('the first signal lets calls in flight end and keeps them, the second ends at once', async () => {
  const wanted = cases(4, 50);
  await using server = await spawnSimulator({
    directives: true,
    latency: { kind: 'constant', ms: 700 },
  });
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-interrupt-'));
  try {
    cpSync(join(cascades, 'patient.yaml'), join(folder, 'patient.yaml'));
    const env = { OPENAI_BASE_URL: server.url, RVBBIT_MODEL: 'openai/test-model' };
    for (let round = 0; round < wanted; round++) {
      const signal = round % 2 === 0 ? 'SIGINT' : 'SIGTERM';
      const isTwice = round % 4 >= 2;
      await server.reset();
      rmSync(join(folder, '.rvbbit'), { recursive: true, force: true });
      let signalledMs = 0;
      let signalling: Promise<void> | undefined;
      const ended = await rvbbit(['-c', SQL, '--format', 'jsonl'], {
        cwd: folder,
        env,
        during: (child) => {
          signalling = (async () => {
            const callsBefore = LANES + 1 + (round % 3) * LANES;
            while ((await server.summary()).totals.calls < callsBefore) {
              if (child.exitCode !== null) return;
              await sleep(10);
            }
            signalledMs = performance.now();
            child.kill(signal);
            if (!isTwice) return;
            await sleep(100);
            child.kill(signal);
          })();
        },
      });
      await signalling;
      const tookMs = performance.now() - signalledMs;
      assert.is(ended.code, 130, ended.stderr);
      const { totals } = await server.summary();
      if (isTwice) {
        assert.ok(tookMs < 5_000, `ended ${tookMs} ms after two signals`);
        continue;
      }
      assert.ok(tookMs < 10_000, `ended ${tookMs} ms after ${signal}`);
      const rows = ended.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.is(rows.length, totals.calls, 'what was in flight is in the result');
      for (const { number, v } of rows) assert.is(v, `Say row ${number}`);
      assert.ok(rows.length < ROWS);
      assert.match(ended.stderr, /incomplete \(interrupted\)/);
      const records = readRecords(join(folder, '.rvbbit'));
      assert.is(records.filter(({ t }) => t === 'attempt.end').length, totals.calls);
      assert.is(records.at(-1)?.t, 'statement.close', 'the journal is closed');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  reportCases(wanted, 'interrupted runs');
});

test.run();
