import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cases, reportCases, seed } from '../support/cases.ts';
import { type Answer, type Played, play, type Scene, told, why } from './guards-support.ts';

function guarded(wards: string, more = ''): string {
  return `cells:\n  - name: ask\n    instructions: "Which?"\n    wards: ${wards}\n${more}`;
}

/** A cascade that is a ward, from the code of its one cell. */
function wardFile(code: string): Record<string, string> {
  return {
    'ward.yaml': `cells: [{ name: w, tool: js, inputs: { code: ${JSON.stringify(code)} } }]`,
  };
}

type Kind = 'js' | 'cascade';

/** A post ward of either kind; `verdict` is an expression of `output`. */
function post(
  kind: Kind,
  mode: string,
  verdict: string,
  more = '',
): { text: string; files: Record<string, string> } {
  const check = kind === 'js' ? `js: ${JSON.stringify(`return ${verdict}`)}` : 'cascade: ward.yaml';
  const text = guarded(`{ post: [{ name: w, mode: ${mode}, ${check}${more} }] }`);
  return { text, files: wardFile(`const { output } = input; return ${verdict}`) };
}

async function hold(
  kind: Kind,
  mode: string,
  verdict: string,
  scene: Scene = {},
  more = '',
): Promise<Played> {
  const { text, files } = post(kind, mode, verdict, more);
  return play(text, { ...scene, files });
}

const KINDS: readonly Kind[] = ['js', 'cascade'];

test('a blocking ward fails the cell with its name and reason, and the output is not used', async () => {
  for (const kind of KINDS) {
    const scene = { answers: ['bad', 'good'] };
    assert.is(await hold(kind, 'blocking', 'output === "bad"', scene).then(told), 'bad');
    const played = await hold(
      kind,
      'blocking',
      '({ ok: output === "good", reason: "too " + output })',
      scene,
    );
    assert.is(told(played), 'RVB_WARD cascade.yaml: cell ask: ward w refused the output: too bad');
    assert.is(played.asked.length, 1);
    assert.match(why(await hold(kind, 'blocking', 'false', scene)), /: it gave no reason$/);
  }
});

test('a retry ward has the cell done again, the model being told why, at most max_attempts times', async () => {
  for (const kind of KINDS) {
    const verdict = '({ ok: output === "good", reason: "not good" })';
    const played = await hold(kind, 'retry', verdict, { answers: ['bad', 'worse', 'good'] });
    assert.is(told(played), 'good');
    assert.equal(
      played.asked.map(({ messages }) => messages.length),
      [1, 3, 5],
    );
    assert.equal(played.asked[2]!.messages.slice(1), [
      { role: 'assistant', content: 'bad' },
      { role: 'user', content: 'That answer was refused: not good. Answer again.' },
      { role: 'assistant', content: 'worse' },
      { role: 'user', content: 'That answer was refused: not good. Answer again.' },
    ]);
    const never = await hold(kind, 'retry', verdict, { answers: ['bad'] });
    assert.is(
      told(never),
      'RVB_WARD cascade.yaml: cell ask: ward w refused the output after 3 attempts: not good',
    );
    assert.is(never.asked.length, 3);
    for (const attempts of [1, 2, 5]) {
      const more = `, max_attempts: ${attempts}`;
      const counted = await hold(kind, 'retry', 'false', { answers: ['bad'] }, more);
      assert.is(counted.asked.length, attempts);
      assert.match(why(counted), /^RVB_WARD /);
    }
  }
});

test('an advisory ward is recorded and the run goes on', async () => {
  for (const kind of KINDS) {
    const played = await hold(kind, 'advisory', '({ ok: false, reason: "hm" })', {
      answers: ['x'],
    });
    assert.equal(played.outcome, {
      kind: 'ok',
      value: 'x',
      advisories: [{ cell: 'ask', ward: 'w', reason: 'hm' }],
    });
    const quiet = await hold(kind, 'advisory', 'true', { answers: ['x'] });
    assert.equal(quiet.outcome, { kind: 'ok', value: 'x' });
  }
});

test('a ward that fails itself, or gives no verdict, refuses; an advisory one is recorded', async () => {
  const faulty = [
    '(() => { throw new Error("broken") })()',
    'undefined',
    'null',
    '1',
    '"true"',
    '[]',
    '({})',
    '({ ok: 1 })',
    '({ ok: "yes" })',
    '({ ok: true, valid: 0 })',
    'new Map()',
    'Promise.reject(new Error("late"))',
  ];
  for (const kind of KINDS) {
    for (const verdict of faulty) {
      const scene = { answers: ['x'] };
      const blocked = await hold(kind, 'blocking', verdict, scene);
      assert.match(why(blocked), /^RVB_WARD .*the ward itself failed: /, `${kind} ${verdict}`);
      const retried = await hold(kind, 'retry', verdict, scene, ', max_attempts: 2');
      assert.match(why(retried), /^RVB_WARD .*after 2 attempts: the ward itself failed/, verdict);
      const noted = await hold(kind, 'advisory', verdict, scene);
      assert.is(told(noted), 'x');
      assert.match(noted.outcome.advisories?.[0]?.reason ?? '', 'the ward itself failed', verdict);
    }
  }
  assert.match(
    why(await hold('js', 'blocking', '({ ok: true, valid: false })', { answers: ['x'] })),
    /^RVB_WARD /,
  );
  assert.is(told(await hold('js', 'blocking', '({ valid: true })', { answers: ['x'] })), 'x');
});

test('a ward that takes too long refuses', async () => {
  const never = 'new Promise(() => {})';
  for (const kind of KINDS) {
    const blocked = await hold(kind, 'blocking', never, { answers: ['x'] }, ', timeout: 20ms');
    assert.match(why(blocked), /^RVB_WARD .*the ward itself failed: .*20 ms/, kind);
    const noted = await hold(kind, 'advisory', never, { answers: ['x'] }, ', timeout: 20ms');
    assert.is(told(noted), 'x');
    // The run's own time is no verdict: an advisory ward does not let it pass either.
    const late = await hold(kind, 'advisory', never, { answers: ['x'], timeoutMs: 30 });
    assert.match(why(late), /^RVB_TIMEOUT /, kind);
  }
});

test('pre wards look before the cell, once, and what they refuse is never asked', async () => {
  const pre = (mode: string, code: string, more = ''): string =>
    guarded(`{ pre: [{ name: w, mode: ${mode}, js: ${JSON.stringify(code)} }]${more} }`);
  const scene: Scene = { input: { price: -1 }, answers: ['x'] };
  const code = 'return { ok: input.price >= 0 && output === null, reason: "price " + input.price }';
  const played = await play(pre('blocking', code), scene);
  assert.is(told(played), 'RVB_WARD cascade.yaml: cell ask: ward w refused the input: price -1');
  assert.is(played.asked.length, 0);
  assert.is(told(await play(pre('blocking', code), { ...scene, input: { price: 1 } })), 'x');
  const noted = await play(
    pre('advisory', code, ', post: [{ mode: retry, js: return output === "y" }]'),
    { ...scene, answers: ['x', 'y'] },
  );
  assert.is(told(noted), 'y');
  assert.equal(noted.outcome.advisories, [{ cell: 'ask', ward: 'w', reason: 'price -1' }]);
});

test('wards are asked in order: pre, the cell, post, up to the first that refuses', async () => {
  const order: string[] = [];
  (globalThis as Record<string, unknown>)['wardOrder'] = (name: string) => order.push(name);
  const ward = (name: string, more: string): string =>
    `{ name: ${name}, ${more.replace('$', `globalThis.wardOrder('${name}')`)} }`;
  const text = guarded(
    `{ pre: [${ward('p1', "js: '$; return true'")}, ${ward('p2', "js: '$; return true'")}], post: [${ward('q1', "mode: advisory, js: '$; return false'")}, ${ward('q2', "mode: retry, js: '$; return output === `b`'")}, ${ward('q3', "js: '$; return output !== `b`'")}] }`
      .replaceAll("globalThis.wardOrder('", 'globalThis.wardOrder(`')
      .replaceAll("')", '`)'),
  );
  const played = await play(text, { answers: ['a', 'b'], onCall: () => order.push('ask') });
  assert.match(why(played), /^RVB_WARD .*ward q3 refused the output after 2 attempts/);
  assert.equal(order, ['p1', 'p2', 'ask', 'q1', 'q2', 'ask', 'q1', 'q2', 'q3']);
  // Of an output that was done again nothing is noted.
  assert.is(played.outcome.advisories?.length, 1);
});

test('wards see input, outputs, state and the output after output_schema, and change none of it', async () => {
  const seen = [
    'const all = [input, outputs, state, output]',
    'for (const part of all) { try { part.x = 9; part.deep.x = 9 } catch {} }',
    'const same = output.deep.x === 1 && input.deep.x === 1 && outputs.first.deep.x === 1',
    'return same && state.s.deep.x === 1 && !all.some((part) => "x" in part)',
  ].join('; ');
  const text = `cells:
  - name: first
    instructions: one
    output_schema: { type: object }
    set: { s: outputs.first }
  - name: ask
    instructions: two
    output_schema: { type: object, required: [deep] }
    wards:
      post:
        - js: |
            ${seen}
        - js: |
            ${seen}
`;
  const answers = ['{"deep": {"x": 1}}'];
  const played = await play(text, { input: { deep: { x: 1 } }, answers });
  assert.equal(told(played), { deep: { x: 1 } });
  const unfit = await play(text, { input: { n: 1 }, answers: [answers[0]!, '{}'] });
  assert.match(why(unfit), /^RVB_ANSWER_INVALID /);
});

test('a cascade ward gets its caller’s input, outputs, state and output', async () => {
  const files = {
    'ward.yaml': `inputs_schema: { input: x, outputs: x, state: x, output: x }
cells: [{ name: w, tool: js, inputs: { code: "return { valid: false, reason: JSON.stringify(input) }" } }]`,
  };
  const text = `cells:
  - { name: one, tool: js, inputs: { code: "return 1" }, set: { s: outputs.one } }
  - { name: two, tool: js, inputs: { code: "return 2" }, wards: { post: [{ mode: advisory, cascade: ward.yaml }] } }
  - { name: three, tool: js, inputs: { code: "return outputs.two + 1" } }
`;
  const played = await play(text, { input: { n: 0 }, files });
  assert.is(told(played), 3);
  const { reason = '' } = played.outcome.advisories![0]!;
  assert.equal(JSON.parse(reason), {
    input: { n: 0 },
    outputs: { one: 1, two: null, three: null },
    state: { s: 1 },
    output: 2,
  });
});

test('a refusal falls under on_error, and the cells after it see null', async () => {
  const text = `${guarded('{ post: [{ js: return false }] }', '    on_error: null\n')}  - { name: after, tool: js, inputs: { code: "return [outputs.ask]" } }\n`;
  assert.equal(told(await play(text, { answers: ['bad'] })), [null]);
});

test('advisories of nested cascades reach the run under the cells that lead to them', async () => {
  const files = { 'inner.yaml': guarded('{ post: [{ mode: advisory, js: return false }] }') };
  const text = 'cells: [{ name: out, tool: inner.yaml, takes: { factor: 2 } }]';
  const played = await play(text, { files, answers: ['x'] });
  const one = { cell: 'out.ask', ward: 'post[0]', reason: 'it gave no reason' };
  assert.equal(played.outcome.advisories, [one, one]);
});

test('a ward after takes looks at what they were reduced to, and has all of them done again', async () => {
  const text = guarded(
    '{ post: [{ mode: retry, js: return output === "b" }] }',
    '    takes: { factor: 3 }\n',
  );
  const played = await play(text, { answers: ['a', 'b', 'a', 'b', 'b', 'a'] });
  assert.is(told(played), 'b');
  assert.is(played.asked.length, 6);
});

test('a redo without end is bounded by the steps of the run', async () => {
  const text = guarded(
    '{ post: [{ mode: retry, max_attempts: 100, js: return false }] }',
    '    takes: { factor: 100 }\n',
  );
  const played = await play(text, { answers: ['a'] });
  assert.match(why(played), /^RVB_LIMIT .*would be step 1001/);
  assert.ok(played.asked.length < 1_000);
  const routed = `cells:
  - { name: a, tool: js, inputs: { code: return 1 }, routing: { default: a }, wards: { post: [{ mode: advisory, js: return false }] } }`;
  const circle = await play(routed);
  assert.match(why(circle), /^RVB_LIMIT /);
  assert.ok(circle.outcome.advisories!.length <= 500);
});

test('a bounds that is spent, and a cancel, are no verdicts', async () => {
  const files = { 'ward.yaml': 'cells: [{ name: j, instructions: "ok? {{ input.output }}" }]' };
  const text = guarded('{ post: [{ mode: advisory, cascade: ward.yaml }] }');
  const spent = await play(text, { files, answers: ['x', { fails: 'RVB_BUDGET' }] });
  assert.match(why(spent), /^RVB_BUDGET /);
  const controller = new AbortController();
  const cancelled = await play(text, {
    files,
    answers: ['x'],
    signal: controller.signal,
    onCall: (call) => call === 2 && controller.abort(),
  });
  assert.match(why(cancelled), /^RVB_CANCELLED /);
});

interface WardSpec {
  readonly kind: Kind;
  readonly mode: 'blocking' | 'retry' | 'advisory';
  readonly allowed: readonly number[];
  readonly attempts: number;
  readonly breaks: boolean;
}

const anyWard: fc.Arbitrary<WardSpec> = fc.record({
  kind: fc.constantFrom('js', 'cascade'),
  mode: fc.constantFrom('blocking', 'retry', 'retry', 'advisory'),
  allowed: fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }),
  attempts: fc.integer({ min: 1, max: 4 }),
  breaks: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
});

const anyCase = fc.record({
  /** One a call, again from the front when they are used up; null is a call that fails. */
  answers: fc.array(fc.option(fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 6 }),
  factor: fc.integer({ min: 1, max: 4 }),
  reduce: fc.constantFrom('vote', 'median', 'first_valid'),
  wards: fc.array(anyWard, { minLength: 1, maxLength: 4 }),
});

type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

/** What must come of a case, said once more and plainly. */
function oracle({ answers, factor, reduce, wards }: Case): string {
  let calls = 0;
  for (let attempt = 1; ; attempt++) {
    const got: number[] = [];
    for (let take = 0; take < factor; take++) {
      const answer = answers[calls++ % answers.length];
      if (typeof answer === 'number') got.push(answer);
      if (typeof answer === 'number' && reduce === 'first_valid') break;
    }
    if (got.length === 0) return `failed RVB_MODEL_HTTP, ${calls} calls`;
    const sorted = [...got].sort();
    const half = got.length / 2;
    const mean = (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
    const count = (value: number): number => got.filter((other) => other === value).length;
    const most = got.reduce((best, value) => (count(value) > count(best) ? value : best));
    const value = reduce === 'median' ? mean : reduce === 'vote' ? most : got[0]!;
    const passes = (ward: WardSpec): boolean => !ward.breaks && ward.allowed.includes(value);
    const stopper = wards.find((ward) => ward.mode !== 'advisory' && !passes(ward));
    const asked = stopper === undefined ? wards : wards.slice(0, wards.indexOf(stopper));
    const noted = asked.filter((ward) => ward.mode === 'advisory' && !passes(ward)).length;
    if (stopper === undefined) return `ok ${value}, ${calls} calls, ${noted} advisories`;
    if (stopper.mode === 'blocking' || attempt >= stopper.attempts) {
      return `failed RVB_WARD, ${calls} calls`;
    }
  }
}

test('no refused output ever becomes the value: as an oracle says, call for call', async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(anyCase, async (some) => {
      const files: Record<string, string> = {};
      const wards = some.wards.map(({ kind, mode, allowed, attempts, breaks }, i) => {
        const verdict = breaks ? 'output.no.such' : `[${allowed}].includes(output)`;
        const code = JSON.stringify(`return ${verdict}`);
        const inner = JSON.stringify(`const { output } = input; return ${verdict}`);
        files[`w${i}.yaml`] = `cells: [{ name: w, tool: js, inputs: { code: ${inner} } }]`;
        const check = kind === 'js' ? `js: ${code}` : `cascade: w${i}.yaml`;
        const more = mode === 'retry' ? `, max_attempts: ${attempts}` : '';
        return `{ mode: ${mode}, ${check}${more} }`;
      });
      const text = guarded(
        `{ post: [${wards.join(', ')}] }`,
        `    takes: { factor: ${some.factor}, reduce: ${some.reduce} }\n    output_schema: { type: number }\n`,
      );
      const script = some.answers.map(
        (answer): Answer => (answer === null ? { fails: 'RVB_MODEL_HTTP' } : String(answer)),
      );
      const answers = Array.from({ length: 100 }, (_, i) => script[i % script.length]!);
      const { outcome, asked } = await play(text, { files, answers });
      const calls = `${asked.length} calls`;
      const said =
        outcome.kind === 'ok'
          ? `ok ${outcome.value}, ${calls}, ${outcome.advisories?.length ?? 0} advisories`
          : outcome.kind === 'failed' && `failed ${outcome.error.code}, ${calls}`;
      assert.is(said, oracle(some));
      count += 1;
    }),
    { seed, numRuns: cases(50, 5_000) },
  );
  reportCases(count, 'cells under random takes and wards');
});

test.run();
