/** Random streams of both protocols: what a server might send, the answer that it holds, and where it ends. */
import type { Usage } from '../../src/model/chat.ts';
import type { Random } from '../../src/sim/random.ts';

export interface RandomStream {
  readonly bytes: Buffer;
  /** Bytes up to which it is cut off: those after them add nothing. */
  readonly wholeAt: number;
  readonly text: string;
  readonly usage: Usage | undefined;
}

/** How a stream is spoilt within; `none`: it is not. */
export type Spoilt =
  | 'none'
  | 'error-event'
  | 'damaged-json'
  | 'missing-event'
  | 'bad-utf8'
  | 'late-text'
  | 'two-answers';

/** Draws values from a seeded source. */
export class Draw {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  upTo(max: number): number {
    return Math.floor(this.random() * (max + 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.upTo(values.length - 1)]!;
  }

  chance(part: number): boolean {
    return this.random() < part;
  }

  /** Words, quotes, line breaks, what looks like events, and characters of one to four bytes. */
  text(parts: number): string {
    const all = [
      'word ',
      '"',
      '\\',
      '\n',
      '\n\n',
      'data: [DONE]',
      'é',
      '漢',
      '😀',
      '{',
      '}',
      '\t',
      ':',
    ];
    return Array.from({ length: parts }, () => this.pick(all)).join('');
  }

  /** A text in pieces, none of which ends within a character. */
  pieces(text: string): string[] {
    const chars = [...text];
    const pieces: string[] = [];
    while (chars.length > 0) pieces.push(chars.splice(0, 1 + this.upTo(6)).join(''));
    return pieces;
  }
}

type Event = { readonly name?: string; readonly data: string };

function usageOf(draw: Draw): Usage {
  return { inputTokens: 1 + draw.upTo(5_000), outputTokens: 1 + draw.upTo(500) };
}

function completion(draw: Draw): { events: Event[]; text: string; usage: Usage | undefined } {
  const text = draw.text(draw.upTo(30));
  const usage = draw.chance(0.8) ? usageOf(draw) : undefined;
  const chunk = (choices: unknown, more: object = {}): Event => ({
    data: JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices, ...more }),
  });
  const delta = (value: object, finish: string | null = null) =>
    chunk(
      [{ index: 0, delta: value, finish_reason: finish }],
      draw.chance(0.2) ? { usage: null } : {},
    );
  const events = [
    ...(draw.chance(0.2) ? [chunk([], { prompt_filter_results: [] })] : []),
    delta({ role: 'assistant', content: '' }),
    ...(draw.chance(0.3) ? [delta({ reasoning_content: draw.text(5) })] : []),
    ...draw.pieces(text).map((content) => delta({ content })),
    delta({}, 'stop'),
    ...(usage === undefined
      ? []
      : [
          chunk([], {
            usage: { prompt_tokens: usage.inputTokens, completion_tokens: usage.outputTokens },
          }),
        ]),
    { data: '[DONE]' },
  ];
  return { events, text, usage };
}

function message(draw: Draw): { events: Event[]; text: string; usage: Usage } {
  const usage = usageOf(draw);
  const isTool = draw.chance(0.5);
  const value = { a: draw.text(draw.upTo(20)), b: [draw.upTo(9), null, true] };
  const text = isTool ? JSON.stringify(value) : draw.text(draw.upTo(30));
  const of = (type: string, more: object): Event => ({
    ...(draw.chance(0.9) ? { name: type } : {}),
    data: JSON.stringify({ type, ...more }),
  });
  const blocks = [
    ...(draw.chance(0.3) ? [{ start: { type: 'thinking', thinking: '' }, kind: 'thinking' }] : []),
    isTool
      ? { start: { type: 'tool_use', id: 't', name: 'answer', input: {} }, kind: 'tool' }
      : { start: { type: 'text', text: '' }, kind: 'text' },
  ];
  const input = { input_tokens: usage.inputTokens };
  const events = [
    of('message_start', {
      message: { id: 'm', type: 'message', content: [], usage: { ...input, output_tokens: 1 } },
    }),
    ...blocks.flatMap(({ start, kind }, index) => [
      of('content_block_start', { index, content_block: start }),
      ...draw.pieces(kind === 'thinking' ? 'let me see' : text).map((piece) =>
        of('content_block_delta', {
          index,
          delta:
            kind === 'thinking'
              ? { type: 'thinking_delta', thinking: piece }
              : kind === 'tool'
                ? { type: 'input_json_delta', partial_json: piece }
                : { type: 'text_delta', text: piece },
        }),
      ),
      of('content_block_stop', { index }),
    ]),
    of('message_delta', {
      delta: { stop_reason: isTool ? 'tool_use' : 'end_turn' },
      usage: { output_tokens: usage.outputTokens },
    }),
    of('message_stop', {}),
  ];
  return { events, text, usage };
}

/** Between two events: what says nothing. */
function noise(draw: Draw, isMessage: boolean): string {
  if (!draw.chance(0.25)) return '';
  return draw.pick([
    ': ping\n\n',
    ':\n',
    ': OPENROUTER PROCESSING\n\n',
    'retry: 100\n',
    'retry: soon\n',
    'id: 7\n',
    'garbage without a colon\n',
    'foo: {"choices":[{"delta":{"content":"WRONG"}}]}\n',
    isMessage ? 'event: ping\ndata: {"type":"ping"}\n\n' : 'data: {"object":"heartbeat"}\n\n',
    isMessage ? 'event: new_kind\ndata: {"type":"new_kind","text":"WRONG"}\n\n' : '\n\n',
  ]);
}

/** Text that does not belong where it stands: a chunk of the answer `id`, or a block; as block 0 a second message. */
function more(isMessage: boolean, id: string, index: number): Event[] {
  const content = 'WRONG';
  if (!isMessage)
    return [{ data: JSON.stringify({ id, choices: [{ index: 0, delta: { content } }] }) }];
  if (index === 0)
    return [{ data: JSON.stringify({ type: 'message_start', message: { content: [] } }) }];
  const block = {
    type: 'content_block_start',
    index,
    content_block: { type: 'text', text: content },
  };
  return [{ data: JSON.stringify(block) }];
}

function blocksIn(events: readonly Event[]): number {
  return events.filter(({ data }) => data.startsWith('{"type":"content_block_start"')).length;
}

/** One stream; what is spoilt within it makes it none, at whatever place. */
export function randomStream(draw: Draw, isMessage: boolean, spoilt: Spoilt): RandomStream {
  const { events, text, usage } = isMessage ? message(draw) : completion(draw);
  const lineEnd = draw.pick(['\n', '\n', '\r\n', '\r']);
  const at = draw.upTo(events.length - 2);
  let written = '';
  let wholeAt = 0;
  let badAt = -1;
  if (spoilt === 'late-text') events.splice(-1, 0, ...more(isMessage, 'c', blocksIn(events)));
  if (spoilt === 'two-answers') events.splice(1 + draw.upTo(1), 0, ...more(isMessage, 'd', 0));
  for (const [index, { name, data }] of events.entries()) {
    written += noise(draw, isMessage);
    if (spoilt === 'error-event' && index === at) {
      const error = { type: 'overloaded_error', message: 'Overloaded' };
      const body = JSON.stringify(isMessage ? { type: 'error', error } : { error });
      written += `${isMessage ? 'event: error\n' : ''}data: ${body}\n\n`;
    }
    // Every event of a message but its deltas is needed; of completions the last.
    const isNeeded = isMessage
      ? !/delta|thinking/.test(data) || data.includes('stop_reason')
      : data === '[DONE]';
    if (spoilt === 'missing-event' && isNeeded && (badAt === -1 || draw.chance(0.3))) {
      badAt = index;
      continue;
    }
    const isDamaged = spoilt === 'damaged-json' && index === at;
    const said = isDamaged ? data.slice(0, 1 + draw.upTo(data.length - 2)) : data;
    if (name !== undefined) written += `event: ${name}\n`;
    written += `data:${draw.chance(0.9) ? ' ' : ''}${said}`;
    wholeAt = Buffer.byteLength(written.replaceAll('\n', lineEnd));
    written += '\n\n';
  }
  let bytes = Buffer.from(written.replaceAll('\n', lineEnd));
  if (spoilt === 'bad-utf8') {
    const place = draw.upTo(wholeAt - 1);
    bytes = Buffer.concat([bytes.subarray(0, place), Buffer.of(0xff), bytes.subarray(place)]);
  }
  return { bytes, wholeAt, text, usage };
}
