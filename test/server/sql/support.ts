/** A server for tests, on a free port, with engines in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine, type EngineOptions, type ModelFunction } from '../../../src/index.ts';
import { SqlServer, type SqlServerOptions } from '../../../src/server/sql/server.ts';
import { makeFolder, removeFolder } from '../../cli/spawn.ts';

export function startServer(
  options: Partial<SqlServerOptions> = {},
  engine: EngineOptions = {},
): Promise<SqlServer> {
  return SqlServer.listen({
    port: 0,
    database: ':memory:',
    openEngine: (database) => Engine.open({ threads: 1, sessions: 100, ...engine, database }),
    ...options,
  });
}

/** The calls of a model so far, and how it answers. */
export interface Calls {
  sent: number;
  aborted: number;
  answerChars: number;
  /** The answer in place of so many characters. */
  text: string | undefined;
  /** The time of a call. */
  ms: number;
}

export const FRESH: Calls = { sent: 0, aborted: 0, answerChars: 2, text: undefined, ms: 20 };

/** Starts a server whose engine asks a model that counts its calls. `map` is a MAP of other inputs each time. */
export async function startCalls() {
  const calls = { ...FRESH };
  const cascades = makeFolder({
    'ask.yaml':
      'cascade_id: ask\ninputs_schema: { n: a number }\ncells:\n  - { name: a, model: m/m, instructions: "{{ input.n }}" }\n',
  });
  const model: ModelFunction = async (_, { signal }) => {
    calls.sent += 1;
    try {
      await sleep(calls.ms, undefined, { signal });
    } catch (thrown) {
      calls.aborted += 1;
      throw thrown;
    }
    const usage = { inputTokens: 1, outputTokens: 1 };
    const text = calls.text ?? 'y'.repeat(calls.answerChars);
    return { text, finishReason: 'stop', usage };
  };
  const server = await startServer({}, { cascades, model });
  let round = 0;
  const map = (rows: number, parallel = 4): string => {
    round += 1;
    return `RVBBIT MAP PARALLEL ${parallel} 'ask.yaml' AS v USING (SELECT range + ${round * 100_000} AS n FROM range(${rows})) WITH (limit = ${rows})`;
  };
  const close = async () => {
    await server.close(0);
    removeFolder(cascades);
  };
  return { calls, map, server, close };
}
