/** W11: what the engine does about queries that end or hold the process of the SQL cells, and about one that does not come up. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ProcessKeeper } from '../../src/execute/sql-process/process-keeper.ts';
import { lives, Pipe, sqlProcesses, untilSo, withBase } from './sql-process-support.ts';
import {
  assertAddsUp,
  assertUsable,
  cascades,
  errorOf,
  random,
  runFault,
  withEngine,
  withFolder,
} from './support.ts';

/** Ends the process that reads the pipe, each time that one does. */
async function poison(pipe: Pipe, until: AbortSignal): Promise<number> {
  let deaths = 0;
  while (await pipe.endReader('SIGSEGV', until)) deaths += 1;
  return deaths;
}

test('a query that ends its process each time fails alone, by name, and the others are put to the next', async () => {
  await withFolder(async (folder) => {
    writeFileSync(join(folder, 'fine'), '!\n');
    const pipe = new Pipe(join(folder, 'hostile'));
    await withEngine({ sqlCells: 'process' }, async (engine) => {
      const over = new AbortController();
      const deaths = poison(pipe, over.signal);
      const bad = new Set([7, 31]);
      const { rows, summary } = await engine.query(
        `RVBBIT MAP PARALLEL 6 'reads-file.yaml' AS v USING (
           SELECT i AS n, '${folder}/' || CASE WHEN i IN (${[...bad].join(', ')}) THEN 'hostile' ELSE 'fine' END AS file
           FROM range(60) t(i)) WITH (error_column = 'error')`,
        undefined,
        { valueForm: 'json' },
      );
      over.abort();
      assert.is(await deaths, 4, 'two deaths a query');
      assertAddsUp(summary);
      assert.is(summary.rows.failed, bad.size);
      for (const [ordinal, row] of rows.entries()) {
        assert.is(Number(row['n']), ordinal);
        if (bad.has(ordinal)) {
          const error = row['error'] as { code: string; message: string };
          assert.is(error.code, 'RVB_SQL');
          assert.match(
            error.message,
            "DuckDB was ended by SIGSEGV while it ran this cell's query, twice",
          );
        } else {
          assert.equal([row['v'], row['error']], [`v${ordinal}!`, null]);
        }
      }
      await assertUsable(engine);
    });
  });
});

test('a process that dies too often ends the statement, and says so', async () => {
  await withFolder(async (folder) => {
    const pipe = new Pipe(join(folder, 'hostile'));
    await withEngine({ sqlCells: 'process' }, async (engine) => {
      const over = new AbortController();
      const deaths = poison(pipe, over.signal);
      const error = await errorOf(
        engine.query(
          `RVBBIT MAP 'reads-file.yaml' AS v USING (SELECT i AS n, '${pipe.path}' AS file FROM range(60) t(i)) WITH (dedupe = false)`,
        ),
      );
      over.abort();
      assert.is(await deaths, 11);
      assert.is(error.code, 'RVB_WORKER_LOST', error.message);
      assert.match(error.message, /has died 11 times within 60 s, last of SIGSEGV/);
      assertAddsUp(error.summary!);
      assert.is(error.summary!.rows.failed, 5);
      await assertUsable(engine);
    });
  });
});

test('a query that no interrupt reaches ends with its process, and those beside it go on', async () => {
  await withFolder(async (folder) => {
    writeFileSync(join(folder, 'fine'), '!\n');
    const pipe = new Pipe(join(folder, 'hangs'));
    await withBase(async (engine) => {
      const controller = new AbortController();
      const beside = runFault(engine, { cascade: 'counts-base', rows: 500, hits: [], parallel: 3 });
      const hanging = errorOf(
        engine.query(
          `RVBBIT MAP 'reads-file.yaml' AS v USING (SELECT 1 AS n, '${pipe.path}' AS file)`,
          undefined,
          { signal: controller.signal },
        ),
      );
      // A pipe that nobody writes to holds its reader in the system; the interrupt waits for DuckDB.
      await sleep(700);
      const abortedMs = performance.now();
      controller.abort();
      assert.is((await hanging).code, 'RVB_CANCELLED');
      assert.ok(performance.now() - abortedMs < 1_500);
      assert.is((await beside).kills, 0, 'it is not noted as a loss');
      // A cell's own time ends its query, too.
      const late = await engine.query(
        `RVBBIT MAP 'reads-file.yaml' AS v USING (SELECT 1 AS n, '${pipe.path}' AS file) WITH (timeout = '300ms')`,
      );
      assert.is(late.summary.failures[0]?.code, 'RVB_TIMEOUT');
      await runFault(engine, { cascade: 'counts-base', rows: 30, hits: [], parallel: 3 });
    });
  });
});

test('a process that does not come up is an error within the time that it has', async () => {
  await withFolder(async (folder) => {
    const profile = {
      searchPath: { database: 'memory', entries: [{ schema: 'main' }] as const },
      settings: {},
      allowedDirectories: [],
      allowedPaths: [],
      extensions: [],
      folder,
    };
    const signal = new AbortController().signal;
    for (const [program, code, pattern] of [
      ['setInterval(() => {}, 1_000)', 'RVB_WORKER_BOOT', /no word from it within 6000 ms/],
      [
        "process.send({ kind: 'failed', message: 'no bindings' }); setInterval(() => {}, 1_000)",
        'RVB_WORKER_BOOT',
        /does not start: no bindings/,
      ],
      ['process.exit(3)', 'RVB_WORKER_LOST', /died 4 times .* exit code 3, before its first word/],
    ] as const) {
      const file = join(folder, `${code}-${program.length}.mjs`);
      writeFileSync(file, program);
      const keeper = new ProcessKeeper({
        entry: new URL(`file://${file}`),
        maxDeaths: 3,
        bootMs: 6_000,
      });
      const startedMs = performance.now();
      const query = { statementId: 1, text: 'SELECT 1', values: [], needs: [] };
      const error = await errorOf(keeper.run({ query, profile, signal, lost: () => {} }));
      assert.is(error.code, code);
      assert.match(error.message, pattern);
      assert.ok(performance.now() - startedMs < 9_000);
      await keeper.close();
    }
    assert.equal(sqlProcesses(), []);
  });
});

const PROGRAM = fileURLToPath(new URL('./sql-process.child.js', import.meta.url));

test('the process ends with its engine, however that ends, and leaves no files', async () => {
  await withFolder(async (folder) => {
    const pipe = new Pipe(join(folder, 'hangs'));
    const temporary = join(folder, 'temporary');
    mkdirSync(temporary);
    const start = (statement: string, closes = true) =>
      spawn(process.execPath, [PROGRAM, JSON.stringify({ cascades, statement, closes })], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, TMPDIR: temporary },
      });
    const rows = 'SELECT i AS n, 100 AS size FROM range(5) t(i)';
    for (const closes of [true, false]) {
      const program = start(`RVBBIT MAP 'asks-sql.yaml' AS v USING (${rows})`, closes);
      let printed = '';
      program.stdout.on('data', (part: Buffer) => {
        printed += part.toString();
      });
      const [code] = await once(program, 'close');
      assert.equal([code, printed], [0, '5 rows\n'], `closes: ${closes}`);
      assert.equal(sqlProcesses(program.pid), []);
      await untilSo(() => readdirSync(temporary).length === 0, `no file of ${temporary} is left`);
    }
    const hang = `RVBBIT MAP 'reads-file.yaml' AS v USING (SELECT 1 AS n, '${pipe.path}' AS file)`;
    const busy = "RVBBIT MAP 'asks-sql.yaml' AS v USING (SELECT 1 AS n, 1000000000 AS size)";
    for (const statement of [busy, hang]) {
      const program = start(statement);
      await untilSo(() => sqlProcesses(program.pid).length === 1, 'the process starts');
      // At work, or still starting.
      await sleep(random(600));
      const [pid] = sqlProcesses(program.pid);
      program.kill('SIGKILL');
      await untilSo(() => !lives(pid!), 'the process ends with its engine');
      await untilSo(() => readdirSync(temporary).length === 0, `no file of ${temporary} is left`);
    }
  });
});

test.run();
