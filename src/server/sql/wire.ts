/** One client's socket, with the messages that it sends and the way back to it. The socket may become a TLS one. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TlsFiles } from '../access/tls-files.ts';
import { MessageSource } from './message-source.ts';
import { protocolError } from './protocol-error.ts';
import { SocketOutput } from './socket-output.ts';

/** The longest time that a client gets to read what was sent before its connection ended. */
const LINGER_MS = 1_000;

/** Why what runs for a client aborts. Made once: most clients leave with nothing running. */
const LEFT = new Error('the client has left');

/** The parts of a socket. `secure` replaces all three. */
interface Ends {
  readonly socket: Socket;
  readonly source: MessageSource;
  readonly output: SocketOutput;
}

export class Wire {
  /** Aborts when the client has left. */
  readonly gone = new AbortController();
  /** The address of the client; '' if it has left already. */
  readonly address: string;
  readonly #maxMessageBytes: number | undefined;
  #ends: Ends;
  #binding: Buffer | undefined;

  constructor(socket: Socket, maxMessageBytes: number | undefined) {
    this.address = socket.remoteAddress ?? '';
    this.#maxMessageBytes = maxMessageBytes;
    this.#ends = this.#endsOf(socket);
  }

  get source(): MessageSource {
    return this.#ends.source;
  }

  get output(): SocketOutput {
    return this.#ends.output;
  }

  get isSecure(): boolean {
    return this.#ends.socket instanceof TLSSocket;
  }

  /** The hash of the server's certificate for channel binding; undefined without TLS. */
  get binding(): Buffer | undefined {
    return this.#binding;
  }

  /**
   * Answers a request for TLS with yes, and waits for the handshake. Throws for bytes that came before it: somebody on
   * the way could have put them there, and they would be taken for the client's (CVE-2021-23214).
   */
  async secure(tls: TlsFiles): Promise<void> {
    const { socket: plain, source, output } = this.#ends;
    if (source.peek() !== undefined) {
      throw protocolError('a client sends nothing between its request for TLS and the handshake');
    }
    output.writer.raw(Buffer.from('S'));
    output.send();
    source.detach();
    const socket = new TLSSocket(plain, { isServer: true, ...tls.options });
    this.#binding = tls.identity.binding;
    this.#ends = this.#endsOf(socket);
    await new Promise<void>((resolve) => {
      socket.once('secure', () => resolve());
      socket.once('close', () => resolve());
    });
  }

  /** Sends what is written, and closes the socket once its client has read that, or after a while without. */
  end(): void {
    this.output.send();
    const { socket } = this.#ends;
    if (socket.closed) return;
    socket.destroySoon();
    const late = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(late));
  }

  /** Closes the socket at once. */
  destroy(): void {
    this.#ends.socket.destroy();
  }

  #endsOf(socket: Socket): Ends {
    const source = new MessageSource(socket, this.#maxMessageBytes);
    const output = new SocketOutput(socket, this.gone.signal);
    const leave = () => {
      this.gone.abort(LEFT);
      source.leave();
    };
    // A reset is followed by a close.
    socket.on('error', () => undefined);
    socket.once('end', leave);
    socket.once('close', leave);
    return { socket, source, output };
  }
}
