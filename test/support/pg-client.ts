/** A Postgres client for tests, which speaks in messages: it can send wrong ones, and shows every message of the server. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { finalMessage } from './scram-client.ts';

/** A message of the server. */
export interface ServerMessage {
  readonly type: string;
  readonly body: Buffer;
}

/** The columns and rows of a result, and what came with them. Values are texts, bytes for a binary column, or null. */
export interface PgResult {
  readonly columns: readonly {
    readonly name: string;
    readonly oid: number;
    readonly format: number;
  }[];
  readonly rows: readonly (readonly (string | Buffer | null)[])[];
  readonly tags: readonly string[];
  readonly notices: readonly string[];
  readonly error: ReadonlyMap<string, string> | undefined;
  /** The transaction's status at the end. */
  readonly status: string;
}

const DEADLINE_MS = 20_000;

/** Returns a message with its length; without a type it is a first packet. */
export function frame(type: string, ...parts: readonly (Buffer | string | number)[]): Buffer {
  const body = Buffer.concat(parts.map(bytesOf));
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type, 'latin1'), length, body]);
}

/** A text gets its zero, and a number is an int32. */
function bytesOf(part: Buffer | string | number): Buffer {
  if (Buffer.isBuffer(part)) return part;
  return typeof part === 'number' ? int32(part) : Buffer.from(`${part}\0`);
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value & 0xffff);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

export function startup(parameters: Readonly<Record<string, string>> = {}): Buffer {
  const entries = Object.entries({ user: 'tester', database: 'default', ...parameters });
  return frame('', 3 << 16, ...entries.flat(), Buffer.from([0]));
}

export const query = (sql: string): Buffer => frame('Q', sql);
export const sync: Buffer = frame('S');
export const flush: Buffer = frame('H');

export function parse(sql: string, name = '', types: readonly number[] = []): Buffer {
  return frame('P', name, sql, int16(types.length), ...types);
}

/** Values are texts, bytes of the binary format, or null. `formats` are those of the columns. */
export function bind(
  values: readonly (string | Buffer | null)[] = [],
  { portal = '', name = '', formats = [] as readonly number[] } = {},
): Buffer {
  const codes = values.map((value) => int16(Buffer.isBuffer(value) ? 1 : 0));
  const parts = values.flatMap((value) => {
    const bytes = value === null ? undefined : Buffer.from(value);
    return bytes === undefined ? [-1] : [bytes.length, bytes];
  });
  return frame(
    'B',
    portal,
    name,
    int16(codes.length),
    ...codes,
    int16(values.length),
    ...parts,
    int16(formats.length),
    ...formats.map(int16),
  );
}

export function describe(what: 'S' | 'P', name = ''): Buffer {
  return frame('D', Buffer.from(what), name);
}

export function execute(maxRows = 0, portal = ''): Buffer {
  return frame('E', portal, maxRows);
}

/** The first packet that asks for TLS. */
export const sslRequest: Buffer = frame('', 80877103);

/** Who logs in, and how. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly host?: string;
  readonly tls?: boolean;
  /** True, with TLS: by channel binding, with the hash of the server's certificate or of the one given. */
  readonly binds?: boolean | Buffer;
}

export class PgClient {
  socket: Socket;
  /** The messages that came and were not taken. */
  readonly received: ServerMessage[] = [];
  readonly parameters = new Map<string, string>();
  processId = 0;
  secret = 0;
  isClosed = false;
  #rest: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};
  /** True while plain bytes are expected, as after SSLRequest. */
  #plain: ((byte: string) => void) | undefined;

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connectSocket({ port, host, noDelay: true });
    this.#listen();
  }

  #listen(): void {
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** Asks for TLS, and shakes hands. Returns the server's certificate. */
  async secure(): Promise<Buffer> {
    const answer = this.plainByte();
    this.send(sslRequest);
    if ((await answer) !== 'S') throw new Error('the server has no TLS');
    this.socket.removeAllListeners('data');
    this.socket = connectTls({ socket: this.socket, rejectUnauthorized: false });
    this.#listen();
    await once(this.socket, 'secureConnect');
    return (this.socket as TLSSocket).getPeerCertificate().raw;
  }

  /** Connects, logs in, and returns what came up to the first ReadyForQuery or the end. */
  static async logIn(
    port: number,
    { user, password, host, tls = false, binds = false }: Login,
  ): Promise<{ readonly client: PgClient; readonly messages: readonly ServerMessage[] }> {
    const client = new PgClient(port, host);
    const certificate = tls ? await client.secure() : undefined;
    client.send(startup({ user }));
    const offer = await client.#authentication();
    if (offer === undefined) return { client, messages: await client.closed() };
    const mechanism = binds === false ? 'SCRAM-SHA-256' : 'SCRAM-SHA-256-PLUS';
    const header = binds === false ? 'n,,' : 'p=tls-server-end-point,,';
    const hash = Buffer.isBuffer(binds)
      ? binds
      : createHash('sha256')
          .update(certificate ?? '')
          .digest();
    const bound = Buffer.concat([Buffer.from(header), ...(binds === false ? [] : [hash])]);
    const bare = 'n=,r=clientnonce';
    const first = Buffer.from(header + bare);
    client.send(frame('p', mechanism, first.length, first));
    const challenge = await client.#authentication();
    if (challenge === undefined) return { client, messages: await client.closed() };
    client.send(
      frame('p', Buffer.from(finalMessage(password, { header, bare, challenge, bound }))),
    );
    if ((await client.#authentication()) === undefined) {
      return { client, messages: await client.closed() };
    }
    return { client, messages: await client.until('Z') };
  }

  /** Takes the text of an authentication message; undefined, and nothing taken, if an error came. */
  async #authentication(): Promise<string | undefined> {
    await this.#wait(() => this.received.length > 0, 'an answer');
    if (this.received[0]?.type !== 'R') return undefined;
    return this.received.shift()!.body.toString('utf8', 4);
  }

  /** Connects and waits until the server is ready. */
  static async connect(
    port: number,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<PgClient> {
    const client = new PgClient(port);
    client.send(startup(parameters));
    for (const { type, body } of await client.until('Z')) {
      if (type === 'S') {
        const [name = '', value = ''] = body.toString().split('\0');
        client.parameters.set(name, value);
      }
      if (type === 'K') {
        client.processId = body.readInt32BE(0);
        client.secret = body.readInt32BE(4);
      }
    }
    return client;
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Resolves to the one byte that answers a request for encryption. */
  plainByte(): Promise<string> {
    return new Promise((resolve) => {
      this.#plain = resolve;
    });
  }

  /** Takes the messages up to one of a type. Throws when none comes in time, or the connection ends. */
  async until(type: string): Promise<ServerMessage[]> {
    await this.#wait(
      () => this.received.some((message) => message.type === type),
      `message ${type}`,
    );
    const at = this.received.findIndex((message) => message.type === type);
    return this.received.splice(0, at + 1);
  }

  /** Waits until the server has closed the connection, and takes what came before. */
  async closed(): Promise<ServerMessage[]> {
    await this.#wait(() => this.isClosed, 'the end of the connection');
    return this.received.splice(0);
  }

  /** Sends frames, and returns what came up to the next ReadyForQuery. */
  async run(...frames: readonly Buffer[]): Promise<PgResult> {
    this.send(...frames);
    return resultOf(await this.until('Z'));
  }

  query(sql: string): Promise<PgResult> {
    return this.run(query(sql));
  }

  /** Runs one statement by the extended protocol. */
  extended(
    sql: string,
    values: readonly (string | Buffer | null)[] = [],
    { types = [] as readonly number[], formats = [] as readonly number[] } = {},
  ): Promise<PgResult> {
    return this.run(
      parse(sql, '', types),
      bind(values, { formats }),
      describe('P'),
      execute(),
      sync,
    );
  }

  close(): void {
    this.socket.end(frame('X'));
  }

  #take(chunk: Buffer): void {
    if (this.#plain !== undefined) {
      const told = this.#plain;
      this.#plain = undefined;
      told(chunk.toString('latin1', 0, 1));
      this.#take(chunk.subarray(1));
      return;
    }
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5) {
      const length = this.#rest.readInt32BE(1);
      if (this.#rest.length < 1 + length) break;
      const type = String.fromCharCode(this.#rest[0]!);
      this.received.push({ type, body: this.#rest.subarray(5, 1 + length) });
      this.#rest = this.#rest.subarray(1 + length);
    }
    this.#wake();
  }

  async #wait(isThere: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!isThere()) {
      const left = deadline - performance.now();
      const seen = this.received.map(({ type, body }) =>
        type === 'E' ? `E ${fieldsOf(body).get('M')}` : type,
      );
      if (this.isClosed) throw new Error(`the connection ended before ${what}; it had ${seen}`);
      if (left <= 0) throw new Error(`no ${what} in ${DEADLINE_MS} ms; there was ${seen}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Returns the fields of an error or notice by their letter. */
export function fieldsOf(body: Buffer): ReadonlyMap<string, string> {
  const texts = body.toString().split('\0').filter(Boolean);
  return new Map(texts.map((text) => [text[0]!, text.slice(1)]));
}

/** Returns what messages say together. */
export function resultOf(messages: readonly ServerMessage[]): PgResult {
  let columns: PgResult['columns'] = [];
  const rows: (readonly (string | Buffer | null)[])[] = [];
  const tags: string[] = [];
  const notices: string[] = [];
  let error: PgResult['error'];
  let status = '';
  for (const { type, body } of messages) {
    if (type === 'T') columns = columnsOf(body);
    if (type === 'D') rows.push(valuesOf(body, columns));
    if (type === 'C') tags.push(body.toString('utf8', 0, body.length - 1));
    if (type === 'N') notices.push(fieldsOf(body).get('M') ?? '');
    if (type === 'E') error ??= fieldsOf(body);
    if (type === 'Z') status = body.toString();
  }
  return { columns, rows, tags, notices, error, status };
}

function columnsOf(body: Buffer): PgResult['columns'] {
  let at = 2;
  return Array.from({ length: body.readUInt16BE(0) }, () => {
    const end = body.indexOf(0, at);
    const name = body.toString('utf8', at, end);
    at = end + 19;
    return { name, oid: body.readInt32BE(end + 7), format: body.readInt16BE(end + 17) };
  });
}

function valuesOf(body: Buffer, columns: PgResult['columns']): (string | Buffer | null)[] {
  let at = 2;
  return Array.from({ length: body.readUInt16BE(0) }, (_, index) => {
    const length = body.readInt32BE(at);
    at += 4 + Math.max(0, length);
    if (length < 0) return null;
    const bytes = body.subarray(at - length, at);
    return columns[index]?.format === 1 ? bytes : bytes.toString();
  });
}
