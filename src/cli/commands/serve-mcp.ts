/** `rvbbit serve mcp`: an MCP server on stdin and stdout, for one agent. Nothing but the protocol goes to stdout. */
import { once } from 'node:events';
import { openLocked } from '../../duck/locked-instance.ts';
import { serveMcp } from '../../server/mcp/mcp-server.ts';
import { Metrics } from '../../server/outside/metrics.ts';
import { startOutside } from '../../server/outside/outside-server.ts';
import { StatementLog } from '../../server/outside/statement-log.ts';
import { refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { cascadeRoots, openEngine } from '../session.ts';
import { interruption } from '../signals.ts';
import { say } from '../stderr.ts';

/** Serves until the client closes stdin, Ctrl-C, or SIGTERM. Returns 0. */
export async function serveMcpCommand(
  words: readonly string[],
  options: CliOptions,
): Promise<number> {
  const [database = ':memory:', left] = words;
  refuseWord(left, 'rvbbit serve mcp [db]');
  const { maxCost, metricsPort, log: logTarget } = options;
  // Anything else in this process that prints would break the protocol.
  console.log = console.error;
  console.info = console.error;
  const log = logTarget === undefined ? undefined : await StatementLog.to(logTarget);
  const metrics = new Metrics();
  const instance = options.readWrite === true ? undefined : await openLocked(database);
  const engine = await openEngine(options, instance ?? database);
  const outside =
    metricsPort === undefined ? undefined : await startOutside({ port: metricsPort, metrics });
  try {
    metrics.watch(engine);
    log?.watch(engine);
    const server = await serveMcp(engine, {
      cascades: await cascadeRoots(options),
      readWrite: options.readWrite === true,
      maxRows: options.maxRows,
      maxCalls: options.maxCalls,
      maxCostMicroUsd: maxCost === undefined ? undefined : Math.round(maxCost * 1e6),
    });
    if (!options.quiet) {
      const mode = options.readWrite === true ? 'reads and writes' : 'reads';
      say(`serving MCP on stdin and stdout; the agent ${mode} ${database}`);
    }
    await Promise.race([
      server.closed,
      once(process.stdin, 'end'),
      once(process.stdin, 'close'),
      interruption(),
    ]);
    await server.close();
  } finally {
    await outside?.close();
    await engine.close();
    instance?.closeSync();
    await log?.close();
  }
  return 0;
}
