/** The Postgres server: listens, and gives each client a session of the engine of its database. */
import { randomInt } from 'node:crypto';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import { messageOf, RvbbitError } from '../../errors.ts';
import { Client } from './client.ts';
import { Connection } from './connection.ts';
import { type DatabaseOptions, Databases } from './databases.ts';
import { MessageSource } from './message-source.ts';
import { errorFields } from './protocol/report-fields.ts';
import { refusal } from './protocol-error.ts';
import { Settings } from './settings.ts';
import { SocketOutput } from './socket-output.ts';
import { type Authenticate, type Opening, readOpening, welcome } from './startup.ts';

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
/** The longest time that a client gets to read what was sent before its connection ended. */
const LINGER_MS = 1_000;

export interface SqlServerOptions extends DatabaseOptions {
  readonly port?: number;
  readonly host?: string;
  readonly connections?: number;
  /** The longest time between two messages of a client outside of a transaction; 0, the default, for no limit. */
  readonly idleMs?: number;
  readonly maxMessageBytes?: number;
  readonly authenticate?: Authenticate;
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
  readonly #sockets = new Set<Socket>();
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

  /** Starts a server. Throws for an address that others can reach, because every client is let in. */
  static async listen(options: SqlServerOptions): Promise<SqlServer> {
    const { host = '127.0.0.1', port = DEFAULT_PORT, authenticate } = options;
    if (authenticate === undefined && !isLoopback(host)) {
      throw new RvbbitError(
        'RVB_UNSUPPORTED',
        `the server does not listen on ${host}: it lets every client in, so that it must be 127.0.0.1, ::1 or localhost`,
        { stage: 'open' },
      );
    }
    const server = new SqlServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen({ host, port }, () => resolve());
    });
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
    for (const socket of this.#sockets) hangUp(socket);
    await Promise.all(this.#serving);
    await this.#databases.close();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const serving = this.#serve(socket).finally(() => {
      this.#sockets.delete(socket);
      this.#serving.delete(serving);
    });
    this.#serving.add(serving);
  }

  /** Serves a socket to its end. Never throws. */
  async #serve(socket: Socket): Promise<void> {
    const gone = new AbortController();
    const source = new MessageSource(socket, this.#options.maxMessageBytes);
    const output = new SocketOutput(socket, gone.signal);
    const leave = () => {
      gone.abort();
      source.leave();
    };
    // A reset is followed by a close.
    socket.on('error', () => undefined);
    socket.once('end', leave);
    socket.once('close', leave);
    const deadline = setTimeout(() => socket.destroy(), STARTUP_MS);
    try {
      const opening = await readOpening(source, output);
      if (opening?.kind === 'cancel') this.#cancel(opening);
      if (opening?.kind === 'session')
        await this.#session(opening, { socket, source, output, gone, deadline });
    } catch (thrown) {
      output.writer.dropOpen();
      output.writer.report('E', errorFields(thrown, '', 'FATAL'));
    } finally {
      clearTimeout(deadline);
      output.send();
      hangUp(socket);
    }
  }

  #cancel({ processId, secret }: Extract<Opening, { kind: 'cancel' }>): void {
    const live = this.#live.get(processId);
    if (live?.secret === secret) live.connection.cancel();
  }

  async #session(
    opening: Extract<Opening, { kind: 'session' }>,
    { socket, source, output, gone, deadline }: Wire,
  ): Promise<void> {
    const { user } = opening;
    const database = this.#databases.nameOf(opening.database, user);
    await this.#options.authenticate?.({ user, database }, { source, output });
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
      processId: key.processId,
      settings,
      prepare: (setup) => this.#databases.prepare(engine, setup),
      schema: this.#databases.schema(database),
      openSession: () => engine.session(),
      tell: (notice, severity) => connection.tell(notice, severity),
    });
    const connection = new Connection({ client, source, output, idleMs });
    const onGone = () => connection.cancel();
    gone.signal.addEventListener('abort', onGone, { once: true });
    const end = (error: unknown) => {
      output.writer.dropOpen();
      output.writer.report('E', errorFields(error, '', 'FATAL'));
      output.send();
      connection.cancel();
      source.leave();
      hangUp(socket);
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

interface Wire {
  readonly socket: Socket;
  readonly source: MessageSource;
  readonly output: SocketOutput;
  readonly gone: AbortController;
  readonly deadline: NodeJS.Timeout;
}

/** Ends a connection once its client has read what was sent, and after a while without that. */
function hangUp(socket: Socket): void {
  if (socket.closed) return;
  socket.destroySoon();
  const late = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(late));
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
