/** Clients of a simulated server: one that speaks HTTP properly, and one that sees the bytes. */
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Fault } from '../../src/sim/fault.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { type Simulator, startSimulator } from '../../src/sim/simulator.ts';

/** Runs `act` with a server of its own. */
export async function withSimulator<T>(
  options: SimulatorOptions,
  act: (simulator: Simulator) => Promise<T>,
): Promise<T> {
  const simulator = await startSimulator(options);
  try {
    return await act(simulator);
  } finally {
    await simulator.close();
  }
}

const agent = new Agent({ connections: 2_000 });

/** A reply's JSON as a test reads it: of these parts it has those that belong to what was asked. */
export interface ReplyBody {
  readonly object: string;
  readonly id: string;
  readonly model: string;
  readonly created: number;
  readonly choices: readonly [
    {
      readonly finish_reason: string;
      readonly message: {
        readonly content: string;
        readonly refusal: string | null;
        readonly tool_calls: readonly object[];
      };
    },
  ];
  readonly usage: {
    readonly completion_tokens: number;
    readonly completion_tokens_details: { readonly reasoning_tokens: number };
  };
  readonly data: readonly [Embedding, Embedding];
  readonly error: { readonly code: string; readonly type: string; readonly message: string };
}

interface Embedding {
  readonly index: number;
  /** In base64 where that was asked for. */
  readonly embedding: number[] & string;
}

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; reading it throws where it is none. */
  readonly json: ReplyBody;
}

/** Posts a body to a path after the version. */
export async function post(
  simulator: { readonly url: string },
  path: string,
  body: unknown,
  options: { readonly signal?: AbortSignal; readonly key?: string } = {},
): Promise<Reply> {
  const {
    statusCode,
    headers,
    body: stream,
  } = await request(simulator.url + path, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${options.key ?? 'x'}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const text = await stream.text();
  return {
    status: statusCode,
    headers,
    text,
    get json() {
      return JSON.parse(text) as ReplyBody;
    },
  };
}

/** The body of a chat call with one user message. */
export function chatOf(content: string, more: object = {}): object {
  return { model: 'sim', messages: [{ role: 'user', content }], ...more };
}

/** One chat call. */
export function chat(
  simulator: { readonly url: string },
  content: string,
  more: object = {},
  options: { readonly signal?: AbortSignal; readonly key?: string } = {},
): Promise<Reply> {
  return post(simulator, '/chat/completions', chatOf(content, more), options);
}

/** The text of the answer to one chat call. */
export async function ask(simulator: Simulator, content: string, more = {}): Promise<string> {
  return (await chat(simulator, content, more)).json.choices[0].message.content;
}

/** What a chat call looks like on the socket. */
export interface Wire {
  readonly head: string;
  readonly body: Buffer;
  /** `open`: still so when the time was over. */
  readonly end: 'fin' | 'reset' | 'open';
  /** When each packet came, in milliseconds since the request. */
  readonly times: readonly number[];
}

/** Sends a chat call on a bare socket and takes down what comes, until it ends or `forMs` are over. */
export async function wire(simulator: Simulator, content: string, forMs = 2_000): Promise<Wire> {
  const body = JSON.stringify(chatOf(content));
  const socket = createConnection({ port: simulator.port, host: '127.0.0.1' });
  const parts: Buffer[] = [];
  const times: number[] = [];
  const started = performance.now();
  const end = await new Promise<Wire['end']>((resolve) => {
    socket.on('data', (part) => {
      parts.push(part);
      times.push(performance.now() - started);
    });
    socket.on('end', () => resolve('fin'));
    socket.on('error', () => resolve('reset'));
    sleep(forMs, undefined, { ref: false }).then(() => resolve('open'));
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
  socket.destroy();
  const all = Buffer.concat(parts);
  const split = all.indexOf('\r\n\r\n');
  return split < 0
    ? { head: all.toString(), body: Buffer.alloc(0), end, times }
    : { head: all.toString('latin1', 0, split), body: all.subarray(split + 4), end, times };
}

/** A server whose every call has this fault. */
export function faulty(fault: Partial<Fault> & { kind: Fault['kind'] }): SimulatorOptions {
  return { rules: [{ fault: fault as Fault }] };
}

/** Waits until `ready` holds; fails after ten seconds. */
export async function until(ready: () => boolean): Promise<void> {
  for (let tries = 0; !ready(); tries++) {
    if (tries > 2_000) throw new Error('it never came');
    await sleep(5);
  }
}
