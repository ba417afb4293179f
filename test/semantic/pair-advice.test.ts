/** Advice where a label of each value would take far fewer calls than comparing every two. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type ModelFunction } from '../../src/index.ts';

const model: ModelFunction = async () => ({
  text: JSON.stringify({ answer: false }),
  finishReason: 'stop',
  usage: { inputTokens: 100, outputTokens: 10 },
});

const pairs = (operator: string, atMost: number) =>
  `SELECT a.id, b.id FROM t a JOIN t b ON a.id < b.id AND a.d ${operator} b.d WHERE b.id < ${atMost}`;

test('EXPLAIN and a notice give the calls and the price of both ways', async () => {
  await using engine = await Engine.open({
    threads: 1,
    model,
    modelPrice: { inputPerMtok: 10, outputPerMtok: 0 },
  });
  await engine.query("CREATE TABLE t AS SELECT i AS id, 'text ' || i AS d FROM range(40) r(i)");
  const advice = ({ notices }: { notices: readonly { code: string; message: string }[] }) =>
    notices.filter(({ code }) => code === 'pairs_compared').map(({ message }) => message);
  const { notes } = await engine.explain(pairs('CONTRADICTS', 20));
  assert.match(
    notes.join('\n'),
    /CONTRADICTS compares 190 pairs of 20 values, .* \(about \$0\.\d+\).* 20 calls \(about \$0\.\d+\)/,
  );
  const [told] = advice(await engine.query(pairs('CONTRADICTS', 20)));
  assert.match(
    told!,
    'CONTRADICTS compares 190 pairs of 20 values, a call each (about $0.19); where',
  );
  assert.match(told!, '20 calls (about $0.020)');
  // Few pairs; an operator whose two sides are not alike; answers that are there already.
  assert.equal(advice(await engine.query(pairs('CONTRADICTS', 10))), []);
  assert.equal(advice(await engine.query(pairs('IMPLIES', 20))), []);
  assert.equal(advice(await engine.query(pairs('CONTRADICTS', 20))), []);
});

test.run();
