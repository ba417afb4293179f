/** `kill -9` at any moment, again and again: nothing is lost, nothing comes twice, nothing that was settled is asked again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { createRandom } from '../../src/sim/random.ts';
import { type SimulatorProcess, spawnSimulator } from '../../src/sim/spawn.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { bookOf, readRecords } from './journal-files.ts';
import { type ChildEnd, cascades, type Kill, runChild } from './run-child.ts';

const ROWS = 1_000;
const PARALLEL = 20;
const KILLS = Number(process.env['KILLS'] ?? cases(16, 500));
const random = createRandom(seed);

/** Sums over all kills, for the report. */
const figures = {
  scenarios: 0,
  kills: 0,
  calls: 0,
  cutOff: 0,
  mostCutOff: 0,
  inFlightAtServer: 0,
  sentAgain: 0,
  rotated: 0,
  beforeFirstCall: 0,
};

interface Scenario {
  readonly cascade: string;
  readonly folder: string;
  readonly server: SimulatorProcess;
  readonly streams: boolean;
  readonly segmentMaxBytes: number | undefined;
}

/** A moment: mostly anywhere in the run; at times in the process's first moments, or those of its first calls. */
function pickKill(): Kill {
  const kind = random();
  if (kind < 0.1) return { after: 'start', ms: random() * 1_000 };
  if (kind < 0.25) return { after: 'first-call', ms: random() * 10 };
  return { after: 'first-call', ms: random() * 1_000 };
}

function rowOf(text: string | undefined): string {
  return /Row \d+/.exec(text ?? '')?.[0] ?? `not a row: ${text}`;
}

function runOnce({ cascade, folder, server, streams, segmentMaxBytes }: Scenario, kill?: Kill) {
  const map = `RVBBIT MAP PARALLEL ${PARALLEL} '${cascade}' AS v USING (SELECT range::INTEGER AS n FROM range(${ROWS}) ORDER BY n)`;
  return runChild(
    {
      url: server.url,
      stateDir: folder,
      cascades,
      streams,
      ...(streams
        ? { sql: map }
        : { sql: `CREATE OR REPLACE TABLE result AS ${map}`, database: join(folder, 'db.duckdb') }),
      ...(segmentMaxBytes === undefined ? {} : { segmentMaxBytes }),
    },
    kill,
  );
}

/** The rows of a run, or as many as there are of them: in order, each with its own answer. */
function checkRows(rows: readonly { readonly n: unknown; readonly v: unknown }[]): void {
  for (const [index, { n, v }] of rows.entries()) {
    assert.is(Number(n), index, 'rows are in order, none is missing and none comes twice');
    assert.is(v, `Row ${index}`);
  }
}

/** Runs and kills until a run comes to its end, or `kills` are used up and one is let through. */
async function playScenario(scenario: Scenario, kills: number): Promise<number> {
  const { folder, server } = scenario;
  let killed = 0;
  let seen = 0;
  let cutOff = 0;
  const settled = new Set<string>();
  let end: ChildEnd | undefined;
  while (end === undefined) {
    const ended = await runOnce(scenario, killed < kills ? pickKill() : undefined);
    // What the killed process had sent may still be on its way.
    await sleep(20);
    const { entries } = await server.ledger(seen);
    seen += entries.length;
    for (const { preview } of entries) {
      assert.not.ok(
        settled.has(rowOf(preview)),
        `${rowOf(preview)} had settled and is asked again`,
      );
    }
    const book = bookOf(readRecords(folder));
    const lost = book.cutOff.size - cutOff;
    assert.ok(lost <= PARALLEL, `${lost} calls were in flight under PARALLEL ${PARALLEL}`);
    assert.ok(seen <= book.begun, 'every call that the server saw is in the journal');
    for (const text of book.settled) settled.add(rowOf(text));
    checkRows(ended.rows);
    for (const { n } of ended.rows) {
      assert.ok(settled.has(`Row ${n}`), `row ${n} was delivered before its answer was kept`);
    }
    if (ended.signal === null) {
      assert.is(ended.code, 0, ended.errors);
      assert.is(lost, 0);
      end = ended;
      break;
    }
    assert.is(ended.signal, 'SIGKILL');
    killed += 1;
    cutOff += lost;
    figures.mostCutOff = Math.max(figures.mostCutOff, lost);
    figures.inFlightAtServer += entries.filter(
      ({ atMs, durationMs }) => durationMs === null || atMs + durationMs >= ended.killedMs!,
    ).length;
    if (entries.length === 0) figures.beforeFirstCall += 1;
  }
  await checkEnd(scenario, end, { seen, cutOff });
  figures.scenarios += 1;
  figures.kills += killed;
  figures.calls += seen;
  figures.cutOff += cutOff;
  figures.sentAgain += seen - ROWS;
  if (scenario.segmentMaxBytes !== undefined) figures.rotated += killed;
  return killed;
}

async function checkEnd(
  { folder, streams }: Scenario,
  end: ChildEnd,
  { seen, cutOff }: { readonly seen: number; readonly cutOff: number },
): Promise<void> {
  const { summary, notices, rows } = end;
  assert.ok(seen >= ROWS && seen <= ROWS + cutOff, `${seen} calls, ${cutOff} were cut off`);
  assert.equal(
    [summary?.status, summary?.rows.ok, summary?.rows.notRun],
    ['complete', ROWS, 0],
    end.errors,
  );
  if (streams) assert.is(rows.length, ROWS);
  else {
    await using engine = await Engine.open({ database: join(folder, 'db.duckdb') });
    const result = await engine.query('SELECT n, v FROM result');
    assert.is(result.rows.length, ROWS);
    checkRows(result.rows as { n: unknown; v: unknown }[]);
  }
  const book = bookOf(readRecords(folder));
  assert.is(book.settled.size, ROWS);
  assert.is(
    book.again,
    cutOff,
    'each call that was cut off is told by the one that settles its row',
  );
  const told = summary?.calls.possiblyPaidTwice ?? 0;
  const notice = notices.find(({ code }) => code === 'possibly_paid_twice');
  if (told === 0) assert.is(notice, undefined);
  else assert.match(notice?.message ?? '', `${told} call`);
}

test('a statement that is killed again and again loses no row and pays no settled call twice', async () => {
  for (let left = KILLS; left > 0; ) {
    const folder = mkdtempSync(join(tmpdir(), 'rvbbit-kill-'));
    try {
      await using server = await spawnSimulator({
        seed: Math.floor(random() * 2 ** 31),
        latency: { kind: 'uniform', minMs: 20, maxMs: 120 },
        previewChars: 40,
      });
      const segmentMaxBytes = random() < 0.4 ? 4_000 + Math.floor(random() * 30_000) : undefined;
      // Where code runs after a call, its end is told of apart from its row.
      const cascade = random() < 0.4 ? 'ask-then-code.yaml' : 'ask.yaml';
      const streams = random() < 0.5;
      left -= await playScenario({ cascade, folder, server, streams, segmentMaxBytes }, left);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const { kills, scenarios, ...sums } = figures;
  reportCases(kills, `kills in ${scenarios} statements of ${ROWS} rows: ${JSON.stringify(sums)}`);
});

test.run();
