/** What EXPLAIN expects of answers: by the journal, across processes, and what it says where it can but guess. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type ExplainReport } from '../../src/index.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { startSimulator } from '../../src/testing.ts';

const RULES = [
  { when: { contains: 'is rare', matches: 'item \\d*5 ' }, answer: { answer: true } },
  { answer: { answer: false } },
];
const LIMITED = "SELECT id FROM items WHERE d MEANS 'is rare' LIMIT 5";

test('the share of TRUE answers is learned from the journal; without one the guess and what it hangs on are told', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'rvb-learned-'));
  await using server = await startSimulator({ rules: RULES });
  const open = async (): Promise<Engine> => {
    const engine = await Engine.open({
      stateDir,
      threads: 1,
      providers: { sim: { baseUrl: server.url, responseFormat: 'json_schema' } },
      model: 'sim/any',
    });
    await engine.query(
      "CREATE TABLE items AS SELECT i AS id, 'item ' || i || ' of the list' AS d FROM range(500) r(i)",
    );
    await engine.query(
      "CREATE TABLE past AS SELECT 'item ' || i || ' of an old list' AS d FROM range(100) r(i)",
    );
    return engine;
  };
  try {
    const cold = await explained(open, async (engine) => {
      await engine.query("SELECT count(*) FROM past WHERE d MEANS 'is rare'");
    });
    // 50 rows hold five, and ten calls are in flight.
    assert.ok(cold.calls.expected < 30, `${cold.calls.expected} calls are expected of 30 %`);
    const told = cold.notes.join('\n');
    assert.match(told, "MEANS 'is rare': 30 % are taken to be TRUE, by default");
    assert.match(told, /may be far off: 59 calls at 10 %, \d+ calls at 90 %; once the same has/);

    const warm = await explained(open);
    assert.is(warm.calls.expected, 59);
    const learned = warm.notes.join('\n');
    assert.match(learned, "MEANS 'is rare': 10 % are taken to be TRUE, of 100 earlier answers to");
    assert.not.match(learned, 'may be far off');
    assert.not.match(sharesOf(stateDir), 'is rare');
  } finally {
    rmSync(stateDir, { recursive: true });
  }
});

async function explained(
  open: () => Promise<Engine>,
  after: (engine: Engine) => Promise<void> = async () => {},
): Promise<ExplainReport> {
  await using engine = await open();
  const report = await engine.explain(LIMITED);
  await after(engine);
  return report;
}

/** The journal's lines that tell what was learned. */
function sharesOf(stateDir: string): string {
  const folder = join(stateDir, 'journal');
  const lines = realFileSystem
    .list(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  const shares = lines.filter((line) => line.includes('"t":"answers.learned"'));
  assert.is(shares.length, 1);
  return shares.join('\n');
}

test.run();
