/** Asks some questions when it is told to, and prints the answers. Its state folder is shared. */
import { once } from 'node:events';
import { Engine } from '../../src/index.ts';

const [, , url, cascades, stateDir, rows] = process.argv as unknown as readonly string[];
await using engine = await Engine.open({
  cascades: cascades!,
  stateDir: stateDir!,
  threads: 1,
  providers: { sim: { baseUrl: url! } },
  model: 'sim/m',
});
await engine.query('SELECT 1');
console.log('ready');
await once(process.stdin, 'data');
const { rows: answered, summary } = await engine.query(
  `RVBBIT MAP PARALLEL 10 'ask.yaml' AS a USING (SELECT 'thing ' || i AS v FROM range(${rows}) r(i))`,
);
const answers = answered.filter(({ a }) => a !== null).length;
console.log(JSON.stringify({ answers, calls: summary.calls }));
process.stdin.destroy();
