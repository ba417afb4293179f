/** `rvbbit serve`: the servers. `serve sql` lets Postgres clients use the engine, until Ctrl-C or SIGTERM. */
import { existsSync, statSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { spentSince } from '../../receipts/spend.ts';
import { TlsFiles } from '../../server/access/tls-files.ts';
import { originOf, Users } from '../../server/access/users.ts';
import { Metrics } from '../../server/outside/metrics.ts';
import { startOutside } from '../../server/outside/outside-server.ts';
import { StatementLog } from '../../server/outside/statement-log.ts';
import { DEFAULT_CONNECTIONS, SqlServer } from '../../server/sql/server.ts';
import { CliError, verdictOf } from '../exit-codes.ts';
import { type CliOptions, refuseOptions } from '../options.ts';
import { readAgeMs } from '../read-bounds.ts';
import { givenRoots, openEngine, STATE_DIR } from '../session.ts';
import { interruption } from '../signals.ts';
import { say } from '../stderr.ts';

/** Runs the server that the first word names. */
export async function serve(words: readonly string[], options: CliOptions): Promise<number> {
  const [what, ...rest] = words;
  if (what === 'sql') return serveSql(rest, options);
  if (what === 'mcp') return (await import('./serve-mcp.ts')).serveMcpCommand(rest, options);
  const problem =
    what === undefined ? 'serve needs the kind of server' : `there is no server '${what}'`;
  throw new CliError('usage', problem, 'rvbbit serve sql [db], or rvbbit serve mcp [db]');
}

/** `rvbbit server` is `rvbbit serve sql`. */
export async function server(words: readonly string[], options: CliOptions): Promise<number> {
  return serveSql(words[0] === 'sql' ? words.slice(1) : words, options);
}

/** Serves until the first interrupt. A second one ends the process at once. */
async function serveSql(words: readonly string[], options: CliOptions): Promise<number> {
  const [database = ':memory:', ...more] = words;
  if (more.length > 0)
    throw new CliError('usage', 'serve sql takes one database', 'rvbbit serve --help');
  const { databases, host, port, connections = DEFAULT_CONNECTIONS, idle } = options;
  if (databases !== undefined && !(existsSync(databases) && statSync(databases).isDirectory())) {
    throw new CliError('open', `there is no folder ${databases}`, '--databases takes a folder');
  }
  refuseOptions('serve', 'sql', options, ['readWrite', 'maxCost', 'maxCalls', 'maxRows']);
  const roots = givenRoots(options);
  const interrupted = interruption();
  const { users, tls } = await access(options);
  const stopWatching = tls?.watch((thrown) => say(`the certificate stays: ${messageOf(thrown)}`));
  const metrics = new Metrics();
  const log = options.log === undefined ? undefined : await StatementLog.to(options.log);
  const server = await started({
    database,
    connections,
    openEngine: async (file) => {
      const engine = await openEngine(options, file, { roots, sessions: connections });
      metrics.watch(engine);
      log?.watch(engine);
      return engine;
    },
    users,
    tls,
    metrics,
    ...(databases === undefined ? {} : { folder: databases }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(idle === undefined ? {} : { idleMs: readAgeMs('--idle', idle) }),
  });
  const { metricsPort } = options;
  const unhealthy = () => (server.isClosing ? 'ending' : undefined);
  try {
    const outside =
      metricsPort === undefined
        ? undefined
        : await startOutside({ port: metricsPort, metrics, unhealthy });
    const address = host ?? '127.0.0.1';
    const user = users === undefined ? 'rvbbit' : 'USER';
    const url = `postgresql://${user}@${address.includes(':') ? `[${address}]` : address}:${server.port}/default${tls === undefined ? '' : '?sslmode=require'}`;
    say(`listening on ${address}:${server.port}; connect with psql '${url}', end with Ctrl-C`);
    await interrupted;
    if (!options.quiet) say('ending: running statements get 10 s; once more ends at once');
    await server.close();
    await outside?.close();
  } finally {
    await server.close();
    stopWatching?.();
    await log?.close();
  }
  return 0;
}

/** Reads the files that say who may log in, and with which certificate. */
async function access({
  users,
  tlsCert,
  tlsKey,
  state,
  stateDir = STATE_DIR,
}: CliOptions): Promise<{ readonly users: Users | undefined; readonly tls: TlsFiles | undefined }> {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const missing = tlsCert === undefined ? '--tls-cert' : '--tls-key';
    throw new CliError('usage', `${missing} is missing`, 'TLS takes --tls-cert and --tls-key');
  }
  const spentToday = async (user: string) =>
    state === false ? 0 : spentSince(stateDir, originOf(user), startOfDay());
  return {
    users: users === undefined ? undefined : await Users.open(users, say, spentToday),
    tls: tlsCert === undefined ? undefined : await TlsFiles.open(tlsCert, tlsKey ?? ''),
  };
}

function startOfDay(): Date {
  return new Date(new Date().setUTCHours(0, 0, 0, 0));
}

async function started(options: Parameters<typeof SqlServer.listen>[0]): Promise<SqlServer> {
  try {
    return await SqlServer.listen(options);
  } catch (thrown) {
    if (thrown instanceof CliError) throw thrown;
    const verdict = verdictOf(thrown) === 'usage' ? 'usage' : 'open';
    throw new CliError(verdict, messageOf(thrown));
  }
}
