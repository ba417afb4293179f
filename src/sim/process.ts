/**
 * Runs the simulated model server in its own process: `node process.js '{"seed": 7}'`. Prints one line `{"url": …}` when
 * it listens, and ends when its standard input ends.
 */
import type { SimulatorOptions } from './script.ts';
import { startSimulator } from './simulator.ts';

const USAGE_EXIT = 2;

try {
  const text = process.argv[2] ?? process.env['RVBBIT_SIM'] ?? '{}';
  // `startSimulator` checks every field.
  const { url } = await startSimulator(JSON.parse(text) as SimulatorOptions);
  process.stdout.write(`${JSON.stringify({ url })}\n`);
} catch (thrown) {
  process.stderr.write(`${(thrown as Error).message}\n`);
  process.exit(USAGE_EXIT);
}
process.stdin.on('end', () => process.exit(0));
process.stdin.on('error', () => process.exit(0));
process.stdin.resume();
