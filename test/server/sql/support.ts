/** A server for tests, on a free port, with engines in memory. */
import { Engine, type EngineOptions } from '../../../src/index.ts';
import { SqlServer, type SqlServerOptions } from '../../../src/server/sql/server.ts';

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
