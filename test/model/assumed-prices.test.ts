/** Prices that are assumed by a model's name, and those of a model function. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { summaryLines } from '../../src/cli/summary.ts';
import { Engine } from '../../src/index.ts';
import { builtInRoot } from '../../src/operators/load-operators.ts';
import { startSimulator } from '../../src/testing.ts';

const QUERY =
  "SELECT count(*) FROM (SELECT 'text ' || i AS d FROM range(20) r(i)) WHERE d MEANS 'x'";

test("a gateway's calls count at the list price of the model, and everything says that it is assumed", async () => {
  await using simulator = await startSimulator({ rules: [{ answer: { answer: true } }] });
  await using engine = await Engine.open({
    cascades: builtInRoot(),
    threads: 1,
    providers: { gate: { baseUrl: simulator.url } },
    model: 'gate/openai/gpt-4o-mini',
  });
  const report = await engine.explain(QUERY);
  assert.match(
    report.notes.join(),
    'cost of gate/openai/gpt-4o-mini is by list prices, which are assumed',
  );
  const { summary } = await engine.query(QUERY);
  assert.ok(summary.costMicroUsd! > 0);
  assert.is(summary.assumedCostMicroUsd, summary.costMicroUsd);
  assert.match(summaryLines('q', summary)[0]!, /\$0\.\d{4} \(list prices assumed\)/);
  const each = summary.costMicroUsd! / 20;
  const most = (5 * each) / 1e6;
  const capped = await engine
    .query(
      `RVBBIT MAP 'built-in/means.yaml' USING (SELECT 'other ' || i AS text, 'y' AS criterion FROM range(20) r(i)) WITH (max_cost = ${most.toFixed(6)})`,
    )
    .catch((thrown: { summary?: typeof summary; message: string }) => thrown);
  const sent = capped.summary!.calls.sent;
  assert.ok(sent >= 4 && sent <= 6, `${sent} calls`);
});

test("a gateway's own prices count, and nothing is assumed then", async () => {
  await using simulator = await startSimulator({ rules: [{ answer: { answer: true } }] });
  const prices = { 'gpt-4o-mini': { inputPerMtok: 1, outputPerMtok: 1 } };
  await using engine = await Engine.open({
    threads: 1,
    providers: { gate: { baseUrl: simulator.url, prices } },
    model: 'gate/gpt-4o-mini',
  });
  const { summary } = await engine.query(QUERY);
  assert.is(summary.assumedCostMicroUsd, undefined);
  assert.is(summary.costMicroUsd, summary.tokens.in + summary.tokens.out);
});

test('a model function has the price that it is given, and none without', async () => {
  const model = async () => ({
    text: '{"answer":true}',
    finishReason: 'stop' as const,
    usage: { inputTokens: 1_000, outputTokens: 10 },
  });
  const modelPrice = { inputPerMtok: 2, outputPerMtok: 10 };
  await using priced = await Engine.open({ threads: 1, model, modelPrice });
  assert.is((await priced.query(QUERY)).summary.costMicroUsd, 20 * (2_000 + 100));
  await using free = await Engine.open({ threads: 1, model });
  assert.is((await free.query(QUERY)).summary.costMicroUsd, null);
  for (const wrong of [{ inputPerMtok: 1 }, { inputPerMtok: -1, outputPerMtok: 1 }, { price: 1 }]) {
    const thrown = await Engine.open({ model, modelPrice: wrong as never }).then(
      () => undefined,
      ({ code }: { code: string }) => code,
    );
    assert.match(String(thrown), /RVB_OPTION_TYPE|RVB_UNKNOWN_OPTION/);
  }
});

test.run();
