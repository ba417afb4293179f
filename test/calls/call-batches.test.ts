/** Calls with several questions become smaller when they do not fit. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CallBatches } from '../../src/calls/call-batches.ts';
import { OpenShared } from '../../src/calls/open-shared.ts';
import { BUDGET_USED_UP, refused } from '../../src/calls/refusals.ts';
import { PROMPT_TOO_LONG } from '../../src/model/provider-error.ts';

/** A call of 16 questions that has ended. */
function ended(message: string): OpenShared {
  const call = new OpenShared(16, false, { outcome: () => {}, end: () => {} });
  call.open = 1;
  const error = { code: 'RVB_MODEL_HTTP', message } as const;
  call.end({ durationMs: 1, outcome: 'failed', status: 400, error, again: 'half' });
  return call;
}

function sizesAfter(calls: readonly OpenShared[]): readonly number[] {
  const sizes: number[] = [];
  const batches = new CallBatches({
    rows: 16,
    parallel: 4,
    busyRuns: () => 0,
    send: (questions) => sizes.push(questions.length),
    ended: () => refused(BUDGET_USED_UP),
  });
  for (const call of calls) batches.learn(call);
  const asked = { cell: 'ask', n: 1, provider: 'p', model: 'm', leftMs: 1_000, inputTokens: 1 };
  for (let n = 0; n < 16; n++) {
    const batch = { key: 'k', sharedTokens: 0 };
    void batches.join(1, { ...asked, callKey: String(n), batch }, new AbortController().signal);
  }
  batches.close();
  return sizes;
}

test('two prompts in a row that are too long make the next calls half as large', () => {
  const long = () => ended(`sim answered 400: ${PROMPT_TOO_LONG}`);
  assert.equal(sizesAfter([]), [16]);
  assert.equal(sizesAfter([long()]), [16]);
  assert.equal(sizesAfter([long(), ended('no')]), [16]);
  assert.equal(sizesAfter([long(), long()]), [8, 8]);
});

test.run();
