import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { medianOf, voteOf } from '../../src/run/cells/reduce-takes.ts';
import type { Json } from '../../src/util/json.ts';
import { type Answer, play, told, why } from './guards-support.ts';

const HTTP: Answer = { fails: 'RVB_MODEL_HTTP' };

function ask(takes: string, more = ''): string {
  return `cells:\n  - name: ask\n    instructions: "Which?"\n    takes: ${takes}\n${more}`;
}

const NUMBER = '    output_schema: { type: number }\n';

test('vote gives the most frequent value, and of several the one that came first', async () => {
  const vote = async (answers: readonly Answer[], more = ''): Promise<unknown> =>
    told(await play(ask(`{ factor: ${answers.length}, reduce: vote }`, more), { answers }));
  assert.is(await vote(['a', 'b', 'b']), 'b');
  assert.is(await vote(['a', 'b', 'b', 'a']), 'a');
  assert.is(await vote(['c', 'b', 'a']), 'c');
  assert.is(await vote([HTTP, HTTP, 'a', HTTP]), 'a');
  const objects = ['{"a": 1, "b": [2]}', '{"a": 2}', '{"b": [2], "a": 1}'];
  assert.equal(await vote(objects, '    output_schema: { type: object }\n'), { a: 1, b: [2] });
});

test('the cell is done factor times, one call after another, and vote is the default', async () => {
  const played = await play(ask('{ factor: 5 }'), { answers: ['a', 'a', 'a', 'b', 'b'] });
  assert.is(told(played), 'a');
  assert.is(played.asked.length, 5);
});

test('values are reduced whatever their kind, and equal ones are equal in any order of keys', () => {
  const list: Json[] = [null, { b: 1, a: { d: 1, c: 2 } }, { a: { c: 2, d: 1 }, b: 1 }, '1', 1];
  assert.equal(voteOf(list), { b: 1, a: { d: 1, c: 2 } });
  assert.is(voteOf(['1', 1, 1]), 1);
  assert.is(voteOf([null, null, 'null']), null);
  assert.equal(
    voteOf([
      [1, 2],
      [2, 1],
      [2, 1],
    ]),
    [2, 1],
  );
  assert.equal(voteOf([{ 10: 'x', 9: 'y' }, { 9: 'y', 10: 'x' }, 0]), { 9: 'y', 10: 'x' });
});

test('median is the middle number, or the mean of the two in the middle', async () => {
  const median = async (answers: readonly Answer[], more = NUMBER): Promise<unknown> =>
    told(await play(ask(`{ factor: ${answers.length}, reduce: median }`, more), { answers }));
  assert.is(await median(['9', '1', '10']), 9);
  assert.is(await median(['4', '1', '2', '100']), 3);
  assert.is(await median(['7', HTTP, HTTP]), 7);
  assert.is(medianOf([1e308, 1.5e308]), 1.25e308);
  assert.is(medianOf([-1e308, 1e308]), 0);
  assert.is(medianOf([10, 9, 1]), 9);
});

test('a value that is no number fails its take, and a mean is held against the schema too', async () => {
  const mixed = '    output_schema: { type: [number, string] }\n';
  const takes = '{ factor: 3, reduce: median }';
  assert.is(told(await play(ask(takes, mixed), { answers: ['"x"', '4', '6'] })), 5);
  assert.match(
    why(await play(ask(takes), { answers: ['4'] })),
    /^RVB_ANSWER_INVALID .*3 of 3 takes failed, the first with: a take gave a value that is no number \(string\)/,
  );
  const whole = '    output_schema: { type: integer }\n';
  assert.match(
    why(await play(ask('{ factor: 2, reduce: median }', whole), { answers: ['1', '2'] })),
    /^RVB_ANSWER_INVALID cascade\.yaml: cell ask: its answer must be integer/,
  );
});

test('first_valid stops at the first take that succeeds', async () => {
  const takes = ask('{ factor: 5, reduce: first_valid }');
  const played = await play(takes, { answers: [HTTP, { fails: 'RVB_MODEL_REFUSED' }, 'ok', 'no'] });
  assert.is(told(played), 'ok');
  assert.is(played.asked.length, 3);
});

test('where no take succeeds the cell fails with the first failure', async () => {
  const answers: Answer[] = [{ fails: 'RVB_MODEL_REFUSED' }, HTTP, HTTP];
  for (const reduce of ['vote', 'median', 'first_valid']) {
    const played = await play(ask(`{ factor: 3, reduce: ${reduce} }`), { answers });
    assert.is(
      told(played),
      'RVB_MODEL_REFUSED cascade.yaml: cell ask: 3 of 3 takes failed, the first with: as scripted',
    );
    assert.is(played.asked.length, 3);
  }
  assert.is(
    told(await play(ask('{ factor: 2 }', '    on_error: null\n'), { answers: [HTTP] })),
    null,
  );
});

test('a take that does not fit output_schema is no vote', async () => {
  const schema = '    output_schema: { enum: [1, 2] }\n';
  // Each answer that does not fit is asked for once more.
  const answers = ['7', '7', '7', '7', '2'];
  const played = await play(ask('{ factor: 3, reduce: vote }', schema), { answers });
  assert.is(told(played), 2);
  assert.is(played.asked.length, 5);
});

const EVALUATOR = `{ factor: 3, reduce: evaluator, evaluator: { system: judge, instructions: "Best of {{ takes | tojson }} for {{ input.who }}?", temperature: 0 } }`;

test('an evaluator sees the takes and the input, and its index is the choice', async () => {
  const played = await play(ask(EVALUATOR), {
    input: { who: 'me' },
    answers: ['a', 'b', 'c', '{"best": 1}'],
  });
  assert.is(told(played), 'b');
  const [system, user] = played.asked[3]!.messages;
  assert.is(user!.content, 'Best of ["a","b","c"] for me?');
  assert.match(system!.content, /^judge\n\nAnswer with one JSON value/);
  assert.match(system!.content, '"maximum":2');
  assert.equal(played.asked[3]!.parameters, { temperature: 0 });
});

test('an evaluator that names no take is asked once more, then the cell fails', async () => {
  for (const wrong of ['{"best": 3}', '{"best": -1}', '{"best": 1.5}', '{"best": "1"}', '{}']) {
    const again = await play(ask(EVALUATOR), {
      input: { who: 'me' },
      answers: ['a', 'b', 'c', wrong, '{"best": 2}'],
    });
    assert.is(told(again), 'c', wrong);
    const played = await play(ask(EVALUATOR), {
      input: { who: 'me' },
      answers: ['a', 'b', 'c', wrong],
    });
    assert.match(why(played), /^RVB_ANSWER_INVALID .*cell ask, evaluator: /, wrong);
    assert.is(played.asked.length, 5);
  }
});

test('takes that failed are not shown, and takes that agree need no evaluator', async () => {
  const some = await play(ask(EVALUATOR), {
    input: { who: 'me' },
    answers: ['a', HTTP, 'c', '{"best": 1}'],
  });
  assert.is(told(some), 'c');
  assert.match(some.asked[3]!.messages[1]!.content, '["a","c"]');
  for (const answers of [
    ['a', 'a', 'a'],
    [HTTP, 'a', HTTP],
    [HTTP, 'a', 'a'],
  ]) {
    const played = await play(ask(EVALUATOR), { answers });
    assert.is(told(played), 'a');
    assert.is(played.asked.length, 3);
  }
});

test('a cascade may be the evaluator', async () => {
  const takes = '{ factor: 3, reduce: evaluator, evaluator: { cascade: longest.yaml } }';
  const longest = (code: string): Record<string, string> => ({
    'longest.yaml': `inputs_schema: { input: the row, takes: the values }\ncells: [{ name: l, tool: js, inputs: { code: ${JSON.stringify(code)} } }]`,
  });
  const answers = ['a', 'bbb', 'cc'];
  const choose = async (code: string): Promise<unknown> =>
    told(await play(ask(takes), { input: { n: 2 }, answers, files: longest(code) }));
  const index = 'takes.findIndex((t) => t.length === Math.max(...takes.map((x) => x.length)))';
  assert.is(await choose(`const { takes } = input; return ${index}`), 'bbb');
  assert.is(await choose('return { best: input.input.n }'), 'cc');
  for (const code of ['return 3', 'return -1', 'return "1"', 'return null', 'return [1]']) {
    assert.match(String(await choose(code)), /^RVB_ANSWER_INVALID .*index of a take, 0 to 2/, code);
  }
  assert.match(String(await choose('throw new Error("no idea")')), /^RVB_CELL .*no idea/);
});

test('takes of a cascade cell run the whole cascade each time', async () => {
  const files = { 'inner.yaml': 'cells: [{ name: q, instructions: "Q {{ input.x }}" }]' };
  const text = 'cells: [{ name: a, tool: inner.yaml, takes: { factor: 3 } }]';
  const played = await play(text, { input: { x: 1 }, files, answers: ['a', HTTP, 'b'] });
  assert.is(told(played), 'a');
  assert.is(played.asked.length, 3);
});

test('what ends the run ends the takes: a bounds, a cancel, the run’s time, its steps', async () => {
  for (const fails of ['RVB_BUDGET', 'RVB_UNCOSTED', 'RVB_DEADLINE', 'RVB_NO_MODEL'] as const) {
    const spent = await play(ask('{ factor: 9 }'), { answers: ['a', { fails }, 'a'] });
    assert.is(told(spent), `${fails} cascade.yaml: cell ask: as scripted`);
    assert.is(spent.asked.length, 2);
  }

  const controller = new AbortController();
  const cancelled = await play(ask('{ factor: 9 }'), {
    answers: ['a'],
    signal: controller.signal,
    onCall: (call) => call === 3 && controller.abort(),
  });
  assert.match(why(cancelled), /^RVB_CANCELLED /);
  assert.is(cancelled.asked.length, 3);

  const late = await play(ask('{ factor: 100 }'), {
    answers: ['a'],
    timeoutMs: 40,
    onCall: () => {
      const until = performance.now() + 15;
      while (performance.now() < until);
    },
  });
  assert.match(why(late), /^RVB_TIMEOUT /);
  assert.ok(late.asked.length <= 4, `${late.asked.length} calls`);

  const files = { 'inner.yaml': ask('{ factor: 100 }') };
  const nested = 'cells: [{ name: a, tool: inner.yaml, takes: { factor: 100 } }]';
  const runaway = await play(nested, { files, answers: ['a'] });
  assert.match(why(runaway), /^RVB_LIMIT .*would be step 1001 of one run/);
  assert.ok(runaway.asked.length < 1_000, `${runaway.asked.length} calls`);
});

test.run();
