/** A simulated model server in the test's own process, with the calls of one in a process of its own. */
import type { Ledger } from '../../src/sim/ledger.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import type { SimulatorProcess } from '../../src/sim/spawn.ts';
import { startSimulator } from '../../src/testing.ts';

export interface ModelServer extends Omit<SimulatorProcess, 'pid' | 'ledger' | 'summary'> {
  ledger(since?: number): Promise<Ledger>;
  summary(): Promise<Ledger>;
}

export async function modelServer(options: SimulatorOptions = {}): Promise<ModelServer> {
  const server = await startSimulator(options);
  const close = () => server.close();
  return {
    url: server.url,
    port: server.port,
    ledger: async (since) => server.ledger(since),
    summary: async () => server.ledger(Number.MAX_SAFE_INTEGER),
    mark: async () => server.mark(),
    batched: async () => server.batched(),
    reset: async () => server.reset(),
    script: async (script) => server.script(script),
    close,
    [Symbol.asyncDispose]: close,
  };
}
