/** A table of texts and a model server that says which of them are rare, and which common. */
import { fileURLToPath } from 'node:url';
import { Engine } from '../../src/index.ts';
import { type Simulator, startSimulator } from '../../src/testing.ts';

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
  sent(): number;
}

/** One engine and one server for the tests of a file. */
export interface Items {
  /** Runs `use` over a table `items` of its own: 200 rows of 100 texts, and two without one. */
  with(use: (asked: Asked, server: Simulator) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Each use of the items has a schema of its own, and texts that no other use has asked about. */
export async function openItems(): Promise<Items> {
  const simulator = await startSimulator(server);
  const engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: simulator.url, responseFormat: 'json_schema' } },
    model: 'sim/test-model',
  });
  let uses = 0;
  return {
    async with(use) {
      uses += 1;
      await engine.query(`CREATE SCHEMA list_${uses}`);
      await engine.query(`USE list_${uses}`);
      await engine.query(
        `CREATE TABLE items AS SELECT i AS id, 'item ' || (i % 100) || ' of list ${uses}' AS d, i % 7 AS c FROM range(200) r(i)`,
      );
      await engine.query('INSERT INTO items VALUES (2000, NULL, 1), (2001, NULL, 2)');
      let before = simulator.ledger().totals.calls;
      const sent = () => {
        const { calls } = simulator.ledger().totals;
        const since = calls - before;
        before = calls;
        return since;
      };
      await use({ engine, sent }, simulator);
    },
    async close() {
      await engine.close();
      await simulator.close();
    },
  };
}
