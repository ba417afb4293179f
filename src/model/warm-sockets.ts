/** Connections opened ahead of the calls that will use them; no request is sent on them meanwhile. */
import { Socket } from 'node:net';
import type { buildConnector } from 'undici';

type Connect = buildConnector.connector;
type Address = buildConnector.Options;

/** Wraps a connector: a dial takes a waiting connection where there is one. */
export class WarmSockets {
  readonly #dial: Connect;
  readonly #isNeeded: () => boolean;
  readonly #idleMs: number;
  /** Each with the listener that ends it. */
  readonly #waiting = new Map<Socket, () => void>();
  /** Dialled for a call and not open yet. */
  readonly #dialled = new Set<Socket>();
  /** In the pool's hands. */
  readonly #used = new Set<Socket>();
  #closed = false;

  /** `isNeeded`: undici dials again for a call that was cancelled; that connection would serve nobody. */
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
      // With an error there is none at all.
      if (opened instanceof Socket) this.#use(opened);
      callback(...result);
    });
    if (socket instanceof Socket) this.#dialled.add(socket);
  };

  /** Gives up connections that are being opened, where no call needs one any more. */
  dropUnneeded(): void {
    if (this.#isNeeded()) return;
    for (const socket of this.#dialled) socket.destroy(unneeded());
  }

  /**
   * Closes every connection of the pool, where no call needs one any more: before the calls are ended one by
   * one, since undici takes twice as long to end a call whose connection is open.
   */
  dropAll(): void {
    if (this.#isNeeded()) return;
    for (const socket of this.#used) socket.destroy();
    this.dropUnneeded();
  }

  /** Opens a connection; true if it is waiting now. Fails in silence: a call would say why. */
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
        // A connection on which the other side speaks or leaves before it is asked is of no use.
        socket.on('error', end).on('end', end).on('close', end).on('readable', end);
        socket.setTimeout(this.#idleMs, end);
        resolve(true);
      });
    });
  }

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

  /** The dialler's own error listener stays, so that an error on the way to the pool is nobody's crash. */
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
