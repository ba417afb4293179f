/** Opens connections before calls need them. No request is sent on a connection that waits for a call. */
import { Socket } from 'node:net';
import type { buildConnector } from 'undici';

type Connect = buildConnector.connector;
type Address = buildConnector.Options;

/** Wraps a connector of undici. The pool gets a waiting connection if there is one, else a new connection. */
export class WarmSockets {
  readonly #dial: Connect;
  readonly #isNeeded: () => boolean;
  readonly #idleMs: number;
  /** The waiting connections, each with the listener that closes it. */
  readonly #waiting = new Map<Socket, () => void>();
  /** Connections that are being opened for a call. */
  readonly #dialled = new Set<Socket>();
  /** Open connections that the pool has got. */
  readonly #used = new Set<Socket>();
  #closed = false;

  /** `isNeeded` returns true while calls are in flight. undici opens new connections even for cancelled calls. */
  constructor(dial: Connect, idleMs: number, isNeeded: () => boolean) {
    this.#dial = dial;
    this.#isNeeded = isNeeded;
    this.#idleMs = idleMs;
  }

  /** The connector for a pool. */
  readonly connect: Connect = (address, callback) => {
    if (!this.#isNeeded()) {
      queueMicrotask(() => callback(unneeded(), null));
      return;
    }
    for (const socket of this.#waiting.keys()) {
      this.#forget(socket);
      if (socket.destroyed || !socket.writable) continue;
      this.#use(socket);
      queueMicrotask(() => callback(null, socket));
      return;
    }
    // undici's connector returns the socket, although its types do not say so.
    const socket: unknown = this.#dial(address, (...result) => {
      this.#dialled.delete(socket as Socket);
      const [, opened] = result;
      // With an error, `opened` is null or missing.
      if (opened instanceof Socket) this.#use(opened);
      callback(...result);
    });
    if (socket instanceof Socket) this.#dialled.add(socket);
  };

  /** Closes the connections that are being opened, if no call is in flight. */
  dropUnneeded(): void {
    if (this.#isNeeded()) return;
    for (const socket of this.#dialled) socket.destroy(unneeded());
  }

  /**
   * Closes all connections of the pool, if no call is in flight. Do this before ending the calls one by one: undici
   * takes twice as long to end a call whose connection is open.
   */
  dropAll(): void {
    if (this.#isNeeded()) return;
    for (const socket of this.#used) socket.destroy();
    this.dropUnneeded();
  }

  /** Opens a connection. Resolves to true if the connection now waits. Failures are ignored: a call reports them. */
  open(address: Address): Promise<boolean> {
    return new Promise((resolve) => {
      this.#dial(address, (error, socket) => {
        if (error !== null || socket === null || this.#closed) {
          socket?.destroy();
          resolve(false);
          return;
        }
        const end = (): void => {
          this.#forget(socket);
          socket.destroy();
        };
        this.#waiting.set(socket, end);
        // If the server sends data or closes before a request, the connection cannot be used.
        socket.on('error', end).on('end', end).on('close', end).on('readable', end);
        socket.setTimeout(this.#idleMs, end);
        resolve(true);
      });
    });
  }

  /** Closes the waiting connections, and each connection that opens later. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#waiting.keys()) {
      this.#forget(socket);
      socket.destroy();
    }
  }

  #use(socket: Socket): void {
    this.#used.add(socket);
    socket.once('close', () => this.#used.delete(socket));
  }

  /** Removes a waiting connection's listeners. undici's error listener stays, so an error cannot crash the process. */
  #forget(socket: Socket): void {
    const end = this.#waiting.get(socket);
    if (end === undefined) return;
    this.#waiting.delete(socket);
    for (const event of ['error', 'end', 'close', 'readable']) socket.off(event, end);
    socket.setTimeout(0, end).off('timeout', end);
  }
}

function unneeded(): Error {
  return new Error('no call needs a connection');
}
