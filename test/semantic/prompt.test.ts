/** `-- @ prompt`: what it says goes to the model with every question, and is no argument of any operator. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChatRequest, Engine } from '../../src/index.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/semantic-model', import.meta.url));
const be = '-- @ prompt: be strict\n';

/** An engine over a table of people, and the requests that it has made since the last time. */
async function withPeople(
  root: string | undefined,
  use: (engine: Engine, asked: () => readonly ChatRequest[]) => Promise<void>,
): Promise<void> {
  let requests: ChatRequest[] = [];
  await using engine = await Engine.open({
    threads: 1,
    ...(root === undefined ? {} : { cascades: root }),
    model: async (request) => {
      requests.push(request);
      const text = request.responseSchema === undefined ? 'true' : '{"answer":true}';
      return { text, finishReason: 'stop' };
    },
  });
  await engine.query("CREATE TABLE p AS SELECT 'Smyth' AS name, 'a@b.example' AS e, 'wood' AS d");
  await use(engine, () => {
    const since = requests;
    requests = [];
    return since;
  });
}

test('leaves the arguments of operators as they are', () =>
  withPeople(undefined, async (engine, asked) => {
    const rules = "name SOUNDS_LIKE 'Smith' AND VALID(e, 'email') AND NORMALIZE(e, 'email') = e";
    const same = `SELECT name FROM p WHERE ${rules} AND name SAME_AS 'SMYTH'`;
    assert.is((await engine.query(be + same)).rowCount, 1);
    assert.equal(asked(), []);
    for (const operand of ["d MEANS 'wooden'", 'SENTIMENT(d) IS NOT NULL']) {
      await engine.query(`SELECT name FROM p WHERE ${operand}`);
      const [plain] = asked();
      await engine.query(`${be}SELECT name FROM p WHERE ${operand}`);
      const [prompted] = asked();
      const [system, ...rest] = plain!.messages;
      const content = system!.content.replace('Answer with one', 'be strict\n\nAnswer with one');
      assert.equal(prompted!.messages, [{ role: 'system', content }, ...rest]);
    }
  }));

test('is part of the question, in operators without a system text and in cascades as well', () =>
  withPeople(cascades, async (engine, asked) => {
    for (const [operand, arg] of [
      ["d MEANS 'wooden'", 'MEANS [wood] by <wooden>'],
      [
        "rvbbit_run('operators/means.yaml', json_object('text', d, 'criterion', 'pine'))",
        'MEANS [wood] by <pine>',
      ],
    ]) {
      const sql = `SELECT ${operand} AS v FROM p`;
      await engine.query(sql);
      assert.equal(asked()[0]!.messages, [{ role: 'user', content: arg! }]);
      await engine.query(be + sql);
      assert.equal(asked()[0]!.messages[0], { role: 'system', content: 'be strict' });
      await engine.query(be + sql);
      assert.is((await engine.explain(be + sql)).calls.most, 0);
      assert.is((await engine.explain(`-- @ prompt: be lax\n${sql}`)).calls.most, 1);
      assert.equal(asked(), []);
    }
  }));

test.run();
