/** CPU-bound rows: 5 ms of arithmetic each, on one worker thread and on two. */
import { Engine } from '../../src/index.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Suite, Variant } from '../suite.ts';

const ROWS = 400;

function onThreads(threads: number): Variant {
  return {
    name: `${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    async measure() {
      await using engine = await Engine.open({ cascades: cascadeRoot, threads });
      const map = (rows: number) =>
        engine.query(
          `RVBBIT MAP PARALLEL ${2 * threads} 'spin.yaml' USING (SELECT range AS id FROM range(${rows})) WITH (limit = ${rows})`,
        );
      await map(20);
      const startMs = performance.now();
      await map(ROWS);
      return { ms: performance.now() - startMs };
    },
  };
}

export const cpu: Suite = {
  name: 'cpu',
  about: `${ROWS} rows of 5 ms arithmetic in a js cell, by worker threads`,
  variants: [onThreads(1), onThreads(2)],
  figures: (median) => [
    {
      name: 'two threads against one',
      value: median('1 thread', 'ms') / median('2 threads', 'ms'),
      unit: '×',
      atLeast: 1.7,
    },
  ],
};
