/** A table of texts and a model server that says which of them are rare, and which common. */
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../src/index.ts';
import type { SimulatorProcess } from '../../src/sim/spawn.ts';
import { withModel } from '../model/engine-support.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/semantic-model', import.meta.url));

/** `rare` holds for every tenth text, `common` for nine of ten. */
const server = {
  rules: [
    { when: { contains: '<broken>', matches: 'item 3 ' }, answer: 'perhaps' },
    { when: { contains: '<broken>' }, answer: 'true' },
    { when: { contains: '<rare>', matches: 'item \\d*0 ' }, answer: 'true' },
    { when: { contains: '<common>', matches: 'item \\d*[1-9] ' }, answer: 'true' },
    { answer: 'false' },
  ],
};

export interface Asked {
  readonly engine: Engine;
  /** Calls that the server has had since the last time. */
  sent(): Promise<number>;
}

/** Runs `use` over `items`: 1,000 rows of 500 texts, and two without one. */
export function withItems(
  use: (asked: Asked, server: SimulatorProcess) => Promise<void>,
): Promise<void> {
  return withModel({ engine: { cascades }, server }, async (engine, simulator) => {
    await engine.query(
      "CREATE TABLE items AS SELECT i AS id, 'item ' || (i % 500) || ' of the list' AS d, i % 7 AS c FROM range(1000) r(i)",
    );
    await engine.query('INSERT INTO items VALUES (2000, NULL, 1), (2001, NULL, 2)');
    let before = 0;
    const sent = async () => {
      const { totals } = await simulator.ledger();
      const since = totals.calls - before;
      before = totals.calls;
      return since;
    };
    await use({ engine, sent }, simulator);
  });
}
