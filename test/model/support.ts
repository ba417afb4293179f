/** A server that answers each connection's first request with bytes that a test chooses. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ChatOutcome, ChatRequest, HttpSettings } from '../../src/model/chat.ts';
import type { Provider } from '../../src/model/provider.ts';

/** The key that no message, outcome or raw text may hold. */
export const CANARY = 'sk-canary-0123456789abcdefghij/KLMNOP';

/** Where redirects try to lead. */
export const REDIRECT_TARGETS: readonly string[] = [
  'http://169.254.169.254/latest/meta-data',
  'http://metadata.google.internal/',
  'http://[::1]:9/v1',
  'http://127.0.0.1:9/v1/chat/completions',
  'http://0x7f000001/',
  'file:///etc/passwd',
  'https://example.com/v1/chat/completions',
  '//example.com/',
  '/v1/chat/completions',
  'gopher://localhost/',
  'data:application/json,{}',
  '',
];

/** Writes a response to a socket whose request has arrived; `request` is its text. */
export type Script = (socket: Socket, request: string) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly requests: string[];
  readonly sockets: Set<Socket>;
  script: Script;
  close(): Promise<void>;
}

export async function scriptedServer(): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      const head = text.indexOf('\r\n\r\n');
      if (head === -1 || Buffer.byteLength(text.slice(head + 4)) < Number(length ?? 0)) return;
      requests.push(text);
      scripted.script(socket, text);
      text = '';
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const scripted: ScriptedServer = {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    sockets,
    script: reply(completion('ok')),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return scripted;
}

/** A response with a Content-Length. */
export function reply(body: string | Buffer, status = 200, headers = ''): Script {
  return (socket) => socket.write(response(body, status, headers));
}

export function response(body: string | Buffer, status = 200, headers = ''): Buffer {
  const bytes = Buffer.from(body as string);
  const head = `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** The body of a good answer, with more keys of the choice or the message. */
export function completion(content: unknown, choice: object = {}, message: object = {}): string {
  return JSON.stringify({
    id: 'c1',
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, ...message },
        finish_reason: 'stop',
        ...choice,
      },
    ],
    usage: {
      prompt_tokens: 7,
      completion_tokens: 5,
      completion_tokens_details: { reasoning_tokens: 2 },
    },
  });
}

export function settingsOf(baseUrl: string, more: Partial<HttpSettings> = {}): HttpSettings {
  return {
    id: 'test',
    type: 'openai-compatible',
    baseUrl,
    apiKey: CANARY,
    responseFormat: 'none',
    connections: 0,
    ...more,
  };
}

export const REQUEST: ChatRequest = {
  model: 'm1',
  messages: [{ role: 'user', content: 'hi' }],
  parameters: {},
};

/** One call; the key is in nothing that comes back. */
export async function ask(
  provider: Provider,
  timeoutMs = 5_000,
  signal: AbortSignal = new AbortController().signal,
): Promise<ChatOutcome> {
  const outcome = await provider.chat(REQUEST, { signal, timeoutMs });
  const text = JSON.stringify(outcome);
  if (text.includes(CANARY) || text.includes(CANARY.slice(0, 16)))
    throw new Error(`the key leaked: ${text}`);
  return outcome;
}

/** `ok`, or the code and `retryable`, e.g. `RVB_MODEL_HTTP 503 again`. */
export function brief(outcome: ChatOutcome): string {
  if (outcome.ok) return `ok ${outcome.response.text}`;
  const status = outcome.status === undefined ? '' : ` ${outcome.status}`;
  return `${outcome.error.code}${status}${outcome.retryable ? ' again' : ''}`;
}
