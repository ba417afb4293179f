/** The Postgres server: listens, and gives each client a session of the engine of its database. */
import { randomInt } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf, RvbbitError } from '../../errors.ts';
import { checkReach } from '../access/reach.ts';
import { LoginThrottle } from '../access/throttle.ts';
import type { TlsFiles } from '../access/tls-files.ts';
import type { Users } from '../access/users.ts';
import type { Metrics } from '../outside/metrics.ts';
import { Client } from './client.ts';
import { Connection } from './connection.ts';
import { type DatabaseOptions, Databases } from './databases.ts';
import { logIn } from './login.ts';
import { HELD_BYTES } from './named.ts';
import { errorFields } from './protocol/report-fields.ts';
import { refusal } from './protocol-error.ts';
import { Settings } from './settings.ts';
import { type Opening, readOpening, welcome } from './startup.ts';
import { Wire } from './wire.ts';

/** The port of the server without the option `port`. */
export const DEFAULT_PORT = 15_432;
/** The connections that are open at most without the option `connections`. */
export const DEFAULT_CONNECTIONS = 200;
/** Sockets that may be open besides: clients that cancel, and clients that have not yet said who they are. */
const EXTRA_SOCKETS = 100;
/** The longest time until a client has said who it is. */
const STARTUP_MS = 10_000;
/** The longest time that running statements get when the server is closed. */
const DRAIN_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;

export interface SqlServerOptions extends DatabaseOptions {
  readonly port?: number;
  readonly host?: string;
  readonly connections?: number;
  /** The longest time between two messages of a client outside of a transaction; 0, the default, for no limit. */
  readonly idleMs?: number;
  readonly maxMessageBytes?: number;
  /** Who may log in. Without users every client is let in. */
  readonly users?: Users | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly metrics?: Metrics | undefined;
}

interface Live {
  readonly secret: number;
  readonly connection: Connection;
  readonly end: (error: unknown) => void;
}

export class SqlServer {
  readonly #options: SqlServerOptions;
  readonly #databases: Databases;
  readonly #server: Server;
  readonly #live = new Map<number, Live>();
  readonly #serving = new Set<Promise<void>>();
  readonly #wires = new Set<Wire>();
  readonly #throttle = new LoginThrottle();
  #closing: Promise<void> | undefined;

  private constructor(options: SqlServerOptions) {
    this.#options = options;
    this.#databases = new Databases(options);
    this.#server = createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    });
    this.#server.maxConnections = this.#most + EXTRA_SOCKETS;
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  /** Starts a server. Throws RVB_OPTION_TYPE for an address that other machines reach, without TLS or without users. */
  static async listen(options: SqlServerOptions): Promise<SqlServer> {
    const { host = '127.0.0.1', port = DEFAULT_PORT, users, tls, metrics } = options;
    checkReach({ host, hasTls: tls !== undefined, hasUsers: users !== undefined });
    const server = new SqlServer(options);
    // A database that cannot be opened is an error of the start, and not of the first client.
    await server.#databases.engine('default');
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen({ host, port }, () => resolve());
    });
    metrics?.gauge('rvbbit_connections', 'Clients that are logged in.', () => server.connections);
    return server;
  }

  /** The port on which it listens. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The number of clients that have a session. */
  get connections(): number {
    return this.#live.size;
  }

  /** True once it lets nobody in. */
  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Lets no further client in, waits for the running statements, and closes the engines. */
  close(drainMs: number = DRAIN_MS): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #most(): number {
    return this.#options.connections ?? DEFAULT_CONNECTIONS;
  }

  async #close(drainMs: number): Promise<void> {
    this.#server.close();
    const until = performance.now() + drainMs;
    for (;;) {
      const isLate = performance.now() >= until;
      for (const { connection, end } of this.#live.values()) {
        if (isLate || !connection.isBusy) end(refusal('57P01', 'the server is being shut down'));
      }
      if (this.#live.size === 0 || isLate) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const wire of this.#wires) wire.end();
    await Promise.all(this.#serving);
    await this.#databases.close();
  }

  #accept(socket: Socket): void {
    const wire = new Wire(socket, this.#options.maxMessageBytes);
    this.#wires.add(wire);
    const serving = this.#serve(wire).finally(() => {
      this.#wires.delete(wire);
      this.#serving.delete(serving);
    });
    this.#serving.add(serving);
  }

  /** Serves a client to its end. Never throws. */
  async #serve(wire: Wire): Promise<void> {
    const deadline = setTimeout(() => wire.destroy(), STARTUP_MS);
    try {
      const opening = await readOpening(wire, this.#options.tls);
      if (opening?.kind === 'cancel') this.#cancel(opening);
      if (opening?.kind === 'session') await this.#session(opening, wire, deadline);
    } catch (thrown) {
      this.#noteError(thrown);
      const { writer } = wire.output;
      writer.dropOpen();
      writer.report('E', errorFields(thrown, '', 'FATAL'));
    } finally {
      clearTimeout(deadline);
      wire.end();
    }
  }

  /** Counts an error, unless it ended a statement, which is counted by the engine's records. */
  #noteError(thrown: unknown): void {
    const { metrics } = this.#options;
    if (!(thrown instanceof RvbbitError)) metrics?.error('RVB_INTERNAL');
    else if (thrown.summary === undefined) metrics?.error(thrown.code);
  }

  #cancel({ processId, secret }: Extract<Opening, { kind: 'cancel' }>): void {
    const live = this.#live.get(processId);
    if (live?.secret === secret) live.connection.cancel();
  }

  async #session(
    opening: Extract<Opening, { kind: 'session' }>,
    wire: Wire,
    deadline: NodeJS.Timeout,
  ): Promise<void> {
    const { source, output, gone } = wire;
    const { user } = opening;
    const { users } = this.#options;
    const known = users && (await logIn(user, wire, { users, throttle: this.#throttle }));
    if (users !== undefined && known === undefined) return;
    const isReadOnly = known?.role === 'read-only';
    const account = known && (await users?.accountOf(known));
    const database = this.#databases.nameOf(opening.database, user);
    if (this.#closing !== undefined) throw refusal('57P03', 'the server is being shut down');
    if (this.#live.size >= this.#most) {
      throw refusal('53300', `${this.#most} clients are connected, as many as this server takes`);
    }
    // A database that is not there is an error of the connection, and not of its first statement.
    const engine = await this.#databases.engine(database).catch((thrown: unknown) => {
      throw thrown instanceof RvbbitError ? thrown : refusal('58030', messageOf(thrown));
    });
    clearTimeout(deadline);
    const key = { processId: this.#freeId(), secret: randomInt(-(2 ** 31), 2 ** 31) };
    const settings = new Settings(opening.settings, (name, value) =>
      output.writer.parameterStatus(name, value),
    );
    const { idleMs = 0 } = this.#options;
    const client = new Client({
      database,
      user,
      isReadOnly,
      account,
      processId: key.processId,
      settings,
      prepare: (setup) => this.#databases.prepare(engine, setup),
      functions: () => this.#databases.functions(engine),
      schema: this.#databases.schema(database),
      openSession: () =>
        engine.session({
          readOnly: isReadOnly,
          keepsPrepared: true,
          heldBytes: HELD_BYTES,
          ...(account?.purse === undefined ? {} : { purse: account.purse }),
        }),
      tell(notice, severity) {
        connection.tell(notice, severity);
        // Progress is told while the connection waits for a row.
        output.send();
      },
    });
    const onError = (thrown: unknown) => this.#noteError(thrown);
    const connection = new Connection({ client, source, output, idleMs, onError });
    const onGone = () => connection.cancel();
    gone.signal.addEventListener('abort', onGone, { once: true });
    const end = (error: unknown) => {
      output.writer.dropOpen();
      output.writer.report('E', errorFields(error, '', 'FATAL'));
      output.send();
      connection.cancel();
      source.leave();
      wire.end();
    };
    this.#live.set(key.processId, { secret: key.secret, connection, end });
    try {
      welcome(output, settings, key);
      await connection.serve();
    } finally {
      this.#live.delete(key.processId);
      gone.signal.removeEventListener('abort', onGone);
      await client.close().catch(() => undefined);
    }
  }

  #freeId(): number {
    for (;;) {
      const id = randomInt(1, 2 ** 31);
      if (!this.#live.has(id)) return id;
    }
  }
}
