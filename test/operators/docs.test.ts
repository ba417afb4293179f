/** docs/operators.md against the operators: its table, and the operator file that it shows. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { checkCall, signatureOf, spellingsOf } from '../../src/operators/check-call.ts';
import { convertAnswer } from '../../src/operators/convert-answer.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { SEED_FUNCTIONS } from '../../src/operators/seed-call.ts';
import { checkCascade } from '../../src/testing.ts';
import { makeRoot } from './support.ts';

const text = readFileSync(
  fileURLToPath(new URL('../../../docs/operators.md', import.meta.url)),
  'utf8',
);

function tableOf(operators: readonly Operator[]): string {
  const rows = operators.map((operator) => {
    const spellings = spellingsOf(operator).map((each) => `\`${each}\``);
    const { description } = operator.cascade;
    return `| ${spellings.join('<br>')} | ${operator.returns} | ${description} |`;
  });
  return ['| operator | value | |', '|---|---|---|', ...rows].join('\n');
}

test('its tables are those of the built-in operators', async () => {
  const all = [...(await loadOperators('/')).operators.values()];
  for (const shape of ['SCALAR', 'AGGREGATE', 'DIMENSION']) {
    const table = tableOf(all.filter((operator) => operator.shape === shape));
    assert.ok(text.includes(`\n${table}\n`), `it should have\n${table}`);
  }
});

test('the file that it shows is an operator, and passes its case', async () => {
  const [, file] = /```yaml\n# operators\/rhymes\.yaml\n([\s\S]*?)```/.exec(text)!;
  const root = makeRoot({ 'rhymes.yaml': file! });
  const { operators, broken } = await loadOperators(root);
  assert.equal([...broken.values()], []);
  const operator = operators.get('RHYMES')!;
  assert.ok(text.includes(signatureOf(operator)), signatureOf(operator));
  await using engine = await Engine.open({ cascades: root, threads: 1 });
  const results = [];
  for await (const { passed, outcome } of checkCascade(engine, 'operators/rhymes.yaml')) {
    results.push(passed);
    assert.equal(outcome.kind === 'ok' && convertAnswer(operator, outcome.value).ok, true);
  }
  assert.equal(results, [true, true]);
  assert.match(checkCall(operator, ['INTEGER', 'VARCHAR'])!, /is VARCHAR, and got INTEGER/);
});

test('it has the signatures of the functions that run a cascade', () => {
  for (const signature of Object.values(SEED_FUNCTIONS))
    assert.ok(text.includes(`\`${signature}\``), signature);
});

test.run();
