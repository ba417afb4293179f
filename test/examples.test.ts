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
const cascades = readdirSync(`${root}examples/cascades`).filter((name) => name.endsWith('.yaml'));

async function startService(): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(process.execPath, ['examples/service/server.mjs'], {
    cwd: root,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { url: /http:\/\/\S+/.exec(line)![0], process: child };
}

test('every example has the editor modeline and loads; its test cases pass', async () => {
  await using engine = await Engine.open({ cascades: root, threads: 1 });
  let checked = 0;
  for (const name of cascades) {
    const path = `examples/cascades/${name}`;
    assert.match(readFileSync(root + path, 'utf8'), /^# yaml-language-server: \$schema=/);
    await engine.loadCascade(path);
    for await (const { name: caseName, passed, outcome } of checkCascade(engine, path)) {
      assert.ok(passed, `${path}: ${caseName}: ${JSON.stringify(outcome)}`);
      checked += 1;
    }
  }
  assert.ok(checked >= 25, `${checked} cases`);
});

test('the model examples run against the simulated server', async () => {
  await using sim = await startSimulator({
    rules: [
      { when: { contains: 'Product: Sony' }, answer: { brand: 'Sony' } },
      { when: { contains: 'loved it' }, answer: '```json\n{"sentiment": "positive"}\n```' },
      { answer: 'Three things stand out.' },
    ],
  });
  await using engine = await Engine.open({
    cascades: root,
    threads: 1,
    providers: { sim: { baseUrl: sim.url } },
    model: 'sim/any',
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
  const { rows } = await engine.query(
    `RVBBIT RUN 'examples/cascades/gpt4_analysis.yaml' USING (SELECT * FROM '${root}examples/data/products.csv')`,
  );
  const report = JSON.parse(rows[0]!['result'] as string);
  assert.equal([report.status, report.outputs.analysis], ['success', 'Three things stand out.']);
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
