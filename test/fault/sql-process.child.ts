/** A program that runs SQL cells in a process of their own; its test ends it, or looks at what it prints. */
import { Engine } from '../../src/index.ts';

const { cascades, statement, closes } = JSON.parse(process.argv[2]!) as {
  readonly cascades: string;
  readonly statement: string;
  readonly closes: boolean;
};
const engine = await Engine.open({ cascades, threads: 1, sqlCells: 'process' });
const { rowCount } = await engine.query(statement);
process.stdout.write(`${rowCount} rows\n`);
if (closes) await engine.close();
