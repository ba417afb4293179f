/** What is told of a statement has the operators' words in it, however many symbols stand for them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';

test('names columns after the words of every operator', async () => {
  await using engine = await Engine.open({
    threads: 1,
    model: async () => ({ text: '{"answer":"one"}', finishReason: 'stop' }),
  });
  // Functions of one signature, so that numbers such as 1, 10 and 15 stand for them.
  const calls = [
    "semantic_extracts(d, 'x')",
    "semantic_ask(d, 'x')",
    "normalize(d, 'x')",
    "classify(d, 'x,y')",
    "semantic_translated(d, 'x')",
    "condense(d, 'x')",
  ];
  await engine.query("CREATE TABLE t AS SELECT 'text' AS d");
  await engine.query(`-- @ on_error: null\nCREATE TABLE made AS SELECT ${calls.join(', ')} FROM t`);
  const { columns } = await engine.query('FROM made');
  const names = columns.map(({ name }) => name.toLowerCase());
  assert.equal(names, calls);
});

test.run();
