/** Opens connections for calls, and never more of them than there are calls in flight at once. */
import { Socket } from 'node:net';
import type * as Undici from 'undici';

type Connect = Undici.buildConnector.connector;

/** The connections of one thread to all its providers. */
export class ThreadSockets {
  readonly #providers = new Set<ProviderSockets>();
  #share: Int32Array | undefined;

  /** `memory` holds the number of connections that this thread may have open (`SocketShare`). */
  bound(memory: SharedArrayBuffer): void {
    this.#share = new Int32Array(memory);
  }

  add(provider: ProviderSockets): void {
    this.#providers.add(provider);
  }

  delete(provider: ProviderSockets): void {
    this.#providers.delete(provider);
  }

  /**
   * Closes unused connections until one more may be opened. There is always one to close, because the gate lets only
   * as many calls out to this thread as it may have connections.
   */
  makeRoom(): void {
    const share = this.#share === undefined ? Infinity : Atomics.load(this.#share, 0);
    let excess = 1 - share;
    for (const { size } of this.#providers) excess += size;
    for (const provider of this.#providers) {
      while (excess > 0 && provider.closeUnused()) excess -= 1;
    }
  }
}

/** The connections of one provider's pool. */
export class ProviderSockets {
  readonly #dial: Connect;
  readonly #calls: () => number;
  readonly #thread: ThreadSockets;
  /** Connections that are being opened for a call. */
  readonly #dialled = new Set<Socket>();
  /** Open connections, by the client of undici's pool that has the connection. */
  readonly #open = new Map<Undici.Client, Socket>();

  /** `calls` returns the number of the provider's calls in flight. */
  constructor(dial: Connect, calls: () => number, thread: ThreadSockets) {
    this.#dial = dial;
    this.#calls = calls;
    this.#thread = thread;
    thread.add(this);
  }

  get size(): number {
    return this.#dialled.size + this.#open.size;
  }

  /** Opens a connection for a client of the pool. undici asks for new connections even for cancelled calls. */
  connect(
    client: Undici.Client,
    address: Undici.buildConnector.Options,
    callback: Undici.buildConnector.Callback,
  ): void {
    if (this.#calls() === 0) {
      queueMicrotask(() => callback(unneeded(), null));
      return;
    }
    // The pool takes its clients in order, and not first a client with a connection.
    if (this.size >= this.#calls()) this.closeUnused();
    this.#thread.makeRoom();
    // undici's connector returns the socket, although its types do not say so.
    const socket: unknown = this.#dial(address, (...result) => {
      this.#dialled.delete(socket as Socket);
      const [, opened] = result;
      // With an error, `opened` is null or missing.
      if (opened instanceof Socket) this.#use(client, opened);
      callback(...result);
    });
    if (socket instanceof Socket) this.#dialled.add(socket);
  }

  /** Closes a connection without a call. Returns false if there is none. */
  closeUnused(): boolean {
    for (const [client, socket] of this.#open) {
      if (client.stats.size > 0) continue;
      this.#open.delete(client);
      socket.destroy();
      return true;
    }
    return false;
  }

  /** Closes the connections that are being opened, if no call is in flight. */
  dropUnneeded(): void {
    if (this.#calls() > 0) return;
    for (const socket of this.#dialled) socket.destroy(unneeded());
  }

  /**
   * Closes all connections of the pool, if no call is in flight. Do this before ending the calls one by one: undici
   * takes twice as long to end a call whose connection is open.
   */
  dropAll(): void {
    if (this.#calls() > 0) return;
    for (const socket of this.#open.values()) socket.destroy();
    this.dropUnneeded();
  }

  close(): void {
    this.#thread.delete(this);
  }

  #use(client: Undici.Client, socket: Socket): void {
    this.#open.set(client, socket);
    socket.once('close', () => {
      if (this.#open.get(client) === socket) this.#open.delete(client);
    });
  }
}

function unneeded(): Error {
  return new Error('no call needs a connection');
}
