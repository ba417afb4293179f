/** The examples, as a reader runs them: the cascades' own test cases, and the service over real sockets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../src/index.ts';
import { checkCascade, startSimulator } from '../src/testing.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cascades = ['cascades', 'traits', 'operators'].flatMap((folder) =>
  readdirSync(`${root}examples/${folder}`).map((name) => `examples/${folder}/${name}`),
);

async function startService(): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(process.execPath, ['examples/service/server.mjs'], {
    cwd: root,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { url: /http:\/\/\S+/.exec(line)![0], process: child };
}

const sim = await startSimulator();
const engine = await Engine.open({
  cascades: [root, `${root}examples`],
  threads: 1,
  providers: { sim: { baseUrl: sim.url } },
  model: 'sim/any',
});
test.after(async () => {
  await engine.close();
  await sim.close();
});

test('every example has the editor modeline and loads; its test cases pass', async () => {
  let checked = 0;
  for (const path of cascades) {
    assert.match(readFileSync(root + path, 'utf8'), /^# yaml-language-server: \$schema=/);
    await engine.loadCascade(path);
    for await (const { name: caseName, passed, outcome } of checkCascade(engine, path)) {
      assert.ok(passed, `${path}: ${caseName}: ${JSON.stringify(outcome)}`);
      checked += 1;
    }
  }
  assert.ok(checked >= 25, `${checked} cases`);
  assert.is(sim.ledger().totals.calls, 0, 'they need no model');
});

test('the model examples run against the simulated server', async () => {
  sim.script({
    rules: [
      { when: { contains: 'Product: Sony' }, answer: { brand: 'Sony' } },
      { when: { contains: 'Customer 7' }, answer: { loyalty: 'high', category: 'Fuel' } },
      { when: { contains: 'loved it' }, answer: '```json\n{"sentiment": "positive"}\n```' },
      { answer: 'Three things stand out.' },
    ],
  });
  const map = async (cascade: string, query: string) => {
    const sql = `RVBBIT MAP 'examples/cascades/${cascade}.yaml' AS v USING (${query})`;
    return (await engine.query(sql)).rows.map(({ v }) => v);
  };
  assert.equal(await map('extract_brand_llm', "SELECT 'Sony WH-1000XM5' AS name"), ['Sony']);
  assert.equal(
    await map('classify_sentiment', "SELECT unnest(['I loved it', '', NULL]) AS review_text"),
    ['positive', null, null],
  );
  const customer =
    "SELECT 'Customer 7' AS name, 'US' AS country, 3 AS purchases, 9.5 AS total, 'Fuel' AS favourite";
  assert.equal(await map('gpt4_analysis', customer), ['{"loyalty":"high","category":"Fuel"}']);
  const { rows } = await engine.query(
    `RVBBIT RUN 'examples/cascades/analyze_categories.yaml' USING (SELECT * FROM '${root}examples/data/products.csv')`,
  );
  const report = JSON.parse(rows[0]!['result'] as string);
  assert.equal([report.status, report.outputs.analysis], ['success', 'Three things stand out.']);
});

test('unit_price takes the vote of three answers and asks again for what does not add up', async () => {
  const read = (pieces: number, unit_price: number) => ({ pieces, unit_price });
  sim.script({
    rules: [
      { when: { contains: 'and the pack costs 12' }, answer: read(6, 2) },
      { when: { contains: 'Product: six', attempt: 1 }, answer: read(6, 2) },
      { when: { contains: 'Product: six' }, answer: read(6, 3) },
      { when: { contains: 'Product: lamp', attempt: 2 }, answer: read(2, 10) },
      { when: { contains: 'Product: lamp' }, answer: read(1, 20) },
      { when: { contains: 'Product: pins' }, answer: read(1000, 0.005) },
      { answer: read(1, 1) },
    ],
  });
  const { rows, summary, notices } = await engine.query(
    `RVBBIT MAP 'examples/cascades/unit_price.yaml' AS v USING (SELECT * FROM
    (VALUES ('six cups', 12.0), ('lamp', 20), ('pins', 5), ('free', 0), ('odd', 7)) t(name, price))`,
  );
  assert.equal(
    rows.map(({ v }) => JSON.parse((v ?? 'null') as string)),
    [read(6, 2), read(1, 20), read(1000, 0.005), null, null],
  );
  assert.equal(
    summary.failures.map(({ ordinal, code }) => [ordinal, code]),
    [
      [3, 'RVB_WARD'],
      [4, 'RVB_WARD'],
    ],
  );
  assert.match(summary.failures[0]!.message, 'ward has_price refused the input: the price is not');
  assert.match(summary.failures[1]!.message, '1 pieces at 1.0 are 1.00, and the pack costs 7.0');
  assert.match(notices[0]!.message, 'ward usual_pack: 1000 pieces in one pack');
});

test('the service answers JSON, survives a client that leaves, and ends on SIGTERM', async () => {
  const service = await startService();
  try {
    const post = (body: string) =>
      fetch(`${service.url}/brands`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
    const expected = [
      { name: 'Sony WH-1000XM5', brand: 'Sony' },
      { name: "Rock'n'Roll '); DROP TABLE x; --", brand: null },
    ];
    const answer = await post(JSON.stringify(expected.map(({ name }) => ({ name }))));
    assert.is(answer.status, 200);
    assert.equal(await answer.json(), expected);
    assert.is((await post('{')).status, 400);

    const leaving = new AbortController();
    const stream = await fetch(`${service.url}/products`, { signal: leaving.signal });
    await stream.body!.getReader().read();
    leaving.abort();
    await sleep(100);
    assert.equal(await (await post(JSON.stringify([{ name: 'Bose QC' }]))).json(), [
      { name: 'Bose QC', brand: 'Bose' },
    ]);
  } finally {
    service.process.kill('SIGTERM');
  }
  const [code] = await once(service.process, 'exit');
  assert.is(code, 0);
});

test.run();
