import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { completionsAt } from '../../grammar/index.ts';

/** What is offered at the | of a source. */
const at = (source: string) => completionsAt(source.replace('|', ''), source.indexOf('|'));

test('a statement may begin in five ways', () => {
  assert.equal(at('SELECT 1; |'), [
    'RVBBIT',
    'SHOW RVBBIT JOBS',
    'SHOW RVBBIT CASCADES',
    'SHOW RVBBIT OPERATORS',
    'EXPLAIN',
    'CREATE TABLE',
    'INSERT INTO',
  ]);
  assert.equal(at('rv|'), ['RVBBIT']);
});

test('the words that may follow are offered, those that stand already are not', () => {
  assert.equal(at('RVBBIT |'), ['MAP', 'RUN', 'AWAIT', 'CANCEL']);
  assert.equal(at("RVBBIT MAP PARALLEL 5 | 'x'"), ['BATCH', 'DISTINCT', 'ASYNC']);
  assert.equal(at('RVBBIT MAP PARALLEL |'), ['BATCH', 'DISTINCT', 'ASYNC']);
  assert.equal(at('RVBBIT MAP BATCH |'), ['AUTO']);
  assert.equal(at("RVBBIT AWAIT 'x' WITH (|"), ['timeout']);
  assert.equal(at("RVBBIT MAP 'x' |"), ['AS', 'USING']);
  assert.equal(at('RVBBIT RUN |'), ['ASYNC']);
  assert.equal(at("RVBBIT MAP 'x' USING (SELECT 1) |"), ['RETURNING', 'WITH']);
  assert.equal(at("RVBBIT MAP 'x' USING (SELECT 1) WITH (limit = 1) |"), ['RETURNING']);
});

test('options and their values are offered inside WITH', () => {
  assert.equal(at("RVBBIT MAP 'x' USING (q) WITH (max_c|"), ['max_cost', 'max_calls']);
  assert.equal(at("RVBBIT MAP 'x' USING (q) WITH (limit = 1, ord|)"), ['order']);
  assert.equal(at("RVBBIT MAP 'x' USING (q) WITH (order = |"), ["'input'", "'completion'"]);
  assert.not(at("RVBBIT RUN 'x' USING (q) WITH (|)").includes('batch'));
});

test('nothing is offered inside a query, a string or plain SQL', () => {
  for (const source of ["RVBBIT MAP 'x' USING (SEL|", "RVBBIT MAP 'x|", 'SELECT | FROM t']) {
    assert.equal(at(source), [], source);
  }
});

test.run();
