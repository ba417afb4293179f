/** The arguments of a call against those of the operator. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkCall, signatureOf, spellingsOf } from '../../src/operators/check-call.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { load, operatorFile } from './support.ts';

const builtIn = async (name: string) => (await loadOperators('/')).operators.get(name)!;

async function taking(type: string): Promise<Operator> {
  const args = `[{ name: value, type: "${type}" }]`;
  const { operators, broken } = await load({
    'rhymes.yaml': operatorFile({ args, operators: '["RHYMES({value})"]' }),
  });
  assert.is(broken.size, 0);
  return operators.get('RHYMES')!;
}

test('signatures name arguments, types, value and spellings', async () => {
  assert.is(
    signatureOf(await builtIn('MEANS')),
    'MEANS(text VARCHAR, criterion VARCHAR) → BOOLEAN; text MEANS criterion; text MATCHES criterion',
  );
  assert.is(
    signatureOf(await builtIn('CONDENSE')),
    'CONDENSE(text VARCHAR[, focus VARCHAR]) → VARCHAR; CONDENSE(text[, focus]); TLDR(text[, focus])',
  );
  assert.equal(spellingsOf(await builtIn('ALIGNS')), [
    'text ALIGNS narrative',
    'text ALIGNS WITH narrative',
  ]);
});

test('a call with too few or too many arguments is told the signature', async () => {
  const means = await builtIn('MEANS');
  assert.is(checkCall(means, ['VARCHAR', 'VARCHAR']), undefined);
  assert.is(
    checkCall(means, ['VARCHAR']),
    'MEANS takes 2 arguments and got 1: MEANS(text VARCHAR, criterion VARCHAR) → BOOLEAN; text MEANS criterion; text MATCHES criterion',
  );
  assert.match(checkCall(means, [])!, /takes 2 arguments and got 0/);
  assert.match(checkCall(means, ['VARCHAR', 'VARCHAR', 'VARCHAR'])!, /takes 2 arguments and got 3/);
  const condense = await builtIn('CONDENSE');
  assert.is(checkCall(condense, ['VARCHAR']), undefined);
  assert.is(checkCall(condense, ['VARCHAR', 'VARCHAR']), undefined);
  assert.match(checkCall(condense, [])!, /takes 1 to 2 arguments and got 0/);
});

test('a text is not taken from a number', async () => {
  const message = checkCall(await builtIn('MEANS'), ['DECIMAL(10,2)', 'VARCHAR'])!;
  assert.match(
    message,
    /^the argument text of MEANS is VARCHAR, and got DECIMAL\(10,2\); cast it: \(…\)::VARCHAR: MEANS\(/,
  );
});

/** What a type takes, and what it does not. */
const TYPES: readonly (readonly [string, string, string])[] = [
  [
    'VARCHAR',
    "VARCHAR|JSON|ENUM('a', 'b')|\"NULL\"|NULL|UNKNOWN|STRING_LITERAL",
    'INTEGER|DATE|BLOB|VARCHAR[]|BOOLEAN|UUID|INTEGER_LITERAL',
  ],
  ['DOUBLE', 'DOUBLE|FLOAT|INTEGER|HUGEINT|DECIMAL(5,2)|INTEGER_LITERAL', 'VARCHAR|BOOLEAN|DATE'],
  [
    'INTEGER',
    'INTEGER|SMALLINT|UTINYINT|USMALLINT|INTEGER_LITERAL',
    'BIGINT|UINTEGER|DECIMAL(3,0)|DOUBLE|VARCHAR|STRING_LITERAL',
  ],
  ['BIGINT', 'BIGINT|UINTEGER|TINYINT', 'UBIGINT|HUGEINT|DOUBLE'],
  ['HUGEINT', 'HUGEINT|UBIGINT|BIGINT', 'UHUGEINT|DOUBLE'],
  ['UHUGEINT', 'UBIGINT|UTINYINT', 'BIGINT|HUGEINT'],
  ['DECIMAL(10,2)', 'DECIMAL(10,2)|DECIMAL(5,1)|INTEGER', 'DECIMAL(10,3)|DECIMAL(11,2)|DOUBLE'],
  ['TIMESTAMP', 'TIMESTAMP|DATE', 'TIME|VARCHAR'],
  ['BOOLEAN', 'BOOLEAN|"NULL"', 'INTEGER|VARCHAR'],
  ['VARCHAR[]', 'VARCHAR[]|JSON[]|"NULL"|"NULL"[]', 'VARCHAR|INTEGER[]|VARCHAR[][]'],
];

for (const [type, good, bad] of TYPES) {
  test(`${type} takes ${good}, and not ${bad}`, async () => {
    const operator = await taking(type);
    for (const given of good.split('|')) assert.is(checkCall(operator, [given]), undefined, given);
    for (const given of bad.split('|')) {
      assert.match(
        checkCall(operator, [given]) ?? `${given} was taken`,
        `is ${type}, and got ${given}`,
      );
    }
  });
}

test.run();
