import { executions } from '../../src/duck/thread-budget.ts';

/** Holds the slots to run in one call, as long statements of others do: every statement is run in steps until they are given back. */
export function holdExecutions(): () => void {
  executions.learn('short', { atLeastMs: 0, atMostMs: 0 });
  const held: (() => void)[] = [];
  for (;;) {
    const release = executions.tryAcquire('short');
    if (release === undefined) break;
    held.push(release);
  }
  return () => {
    for (const release of held) release();
  };
}
