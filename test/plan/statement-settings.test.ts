import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MapStatement } from '../../grammar/index.ts';
import { resolveSettings } from '../../src/plan/statement-settings.ts';
import { only } from '../grammar/support.ts';

const settings = (annotation: string, options = 'retries = 1') =>
  resolveSettings(
    only(`-- @ ${annotation}\nRVBBIT MAP 'x' USING (q) WITH (${options})`) as MapStatement,
    { defaultParallel: 3 },
  );

test('a setting holds in whatever case its words are written', () => {
  assert.is(settings('cache: FALSE').cache, false);
  assert.is(settings('cache: True').cache, true);
  assert.is(settings('cache: 1D').cache, '1D');
  assert.is(settings('model: m', "cache = 'REFRESH'").cache, 'refresh');
  assert.equal(settings('on_error: FAIL').onError, { kind: 'fail' });
  assert.equal(settings('on_error: Default:Aa b').onError, { kind: 'default', value: 'Aa b' });
  assert.is(settings('model: 4').modelOverride.model, '4');
  assert.is(settings('strategy: BATCH', "order = 'Input'").parallel, 3);
});

test('WITH wins over an annotation, and PARALLEL without a number is 10', () => {
  assert.is(settings('parallel').parallel, 10);
  const bare = only("RVBBIT MAP PARALLEL 'x' USING (q)") as MapStatement;
  assert.is(resolveSettings(bare, { defaultParallel: 3 }).parallel, 10);
  assert.is(settings('parallel: 7', 'parallel = 2').parallel, 2);
});

test.run();
