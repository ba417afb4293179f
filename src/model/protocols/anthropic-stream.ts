/**
 * Puts a streamed message together. The events are `message_start`, for each block `content_block_start`, `…_delta` and
 * `…_stop`, then `message_delta` and `message_stop`. `ping` and `error` may come at any time. Others are ignored.
 * https://docs.anthropic.com/en/docs/build-with-claude/streaming
 */
import { parseBody } from '../body-text.ts';
import { member } from '../provider-error.ts';
import { countOf } from '../usage.ts';
import type { StreamEvent, StreamFold } from './protocol.ts';

const OUT_OF_ORDER = 'holds an event that is out of order';

interface Block {
  /** The content of its `content_block_start`. */
  readonly start: Readonly<Record<string, unknown>>;
  /** The pieces of its text, or of the JSON of its input. */
  readonly pieces: string[];
  isOpen: boolean;
}

/** The fold of Anthropic's protocol. */
export class MessageFold implements StreamFold {
  #message: Readonly<Record<string, unknown>> | undefined;
  readonly #blocks: Block[] = [];
  /** The first reason to stop. No block may begin, and no piece come, after it. */
  #stopReason: unknown = null;
  /** The maximum of each count so far: events carry running sums, and some gateways send 0 in later events. */
  #usage: Readonly<Record<string, unknown>> = {};
  #error: unknown;
  #chars = 0;
  #isWhole = false;

  get isWhole(): boolean {
    return this.#isWhole;
  }

  get chars(): number {
    return this.#chars;
  }

  add({ event, data }: StreamEvent): string | undefined {
    const parsed = parseBody(data);
    if (!parsed.ok) return `holds an event that ${parsed.problem}`;
    const { value } = parsed;
    switch (member(value, 'type') ?? event) {
      case 'message_start':
        return this.#start(member(value, 'message'));
      case 'content_block_start':
        return this.#openBlock(member(value, 'index'), member(value, 'content_block'));
      case 'content_block_delta':
        return this.#addPiece(member(value, 'index'), member(value, 'delta'));
      case 'content_block_stop':
        return this.#closeBlock(member(value, 'index'));
      case 'message_delta':
        this.#stopReason ??= member(member(value, 'delta'), 'stop_reason') ?? null;
        this.#count(member(value, 'usage'));
        return this.#message === undefined ? OUT_OF_ORDER : undefined;
      case 'message_stop':
        return this.#end();
      case 'error':
        this.#error = member(value, 'error') ?? {};
        this.#isWhole = true;
        return undefined;
      default:
        return undefined;
    }
  }

  body(): unknown {
    if (this.#error !== undefined) {
      const error = { type: 'error', error: this.#error };
      return this.#blocks.length === 0 ? error : { ...error, content: [], usage: this.#usage };
    }
    return {
      ...this.#message,
      content: this.#blocks.map(blockOf),
      stop_reason: this.#stopReason,
      usage: this.#usage,
    };
  }

  #start(message: unknown): string | undefined {
    if (this.#message !== undefined || typeof message !== 'object' || message === null) {
      return OUT_OF_ORDER;
    }
    this.#message = message as Readonly<Record<string, unknown>>;
    this.#count(member(message, 'usage'));
    return undefined;
  }

  #openBlock(index: unknown, start: unknown): string | undefined {
    const isNext = index === this.#blocks.length && this.#message !== undefined;
    if (!isNext || this.#stopReason !== null || typeof start !== 'object' || start === null)
      return OUT_OF_ORDER;
    const text = member(start, 'text');
    const pieces = typeof text === 'string' ? [text] : [];
    this.#blocks.push({ start: start as Block['start'], pieces, isOpen: true });
    return undefined;
  }

  #addPiece(index: unknown, delta: unknown): string | undefined {
    const block = this.#blocks[index as number];
    if (block?.isOpen !== true || this.#stopReason !== null) return OUT_OF_ORDER;
    const isText = member(delta, 'type') === 'text_delta';
    const isInput = member(delta, 'type') === 'input_json_delta';
    if (!isText && !isInput) return undefined;
    const piece = member(delta, isText ? 'text' : 'partial_json');
    if (typeof piece !== 'string') return 'holds a piece of the answer that is no text';
    block.pieces.push(piece);
    this.#chars += piece.length;
    return undefined;
  }

  #closeBlock(index: unknown): string | undefined {
    const block = this.#blocks[index as number];
    if (block?.isOpen !== true) return OUT_OF_ORDER;
    block.isOpen = false;
    return undefined;
  }

  #end(): string | undefined {
    const isOpen = this.#blocks.some((block) => block.isOpen);
    if (this.#message === undefined || isOpen || this.#stopReason === null) return OUT_OF_ORDER;
    this.#isWhole = true;
    return undefined;
  }

  #count(usage: unknown): void {
    if (typeof usage !== 'object' || usage === null) return;
    const sums = Object.entries(usage).flatMap(([name, value]) => {
      const sum = countOf(value);
      return sum === undefined ? [] : [[name, Math.max(sum, countOf(this.#usage[name]) ?? 0)]];
    });
    this.#usage = { ...this.#usage, ...Object.fromEntries(sums) };
  }
}

/** Returns a block as a message without a stream has it. A tool's input is null if its JSON is invalid. */
function blockOf({ start, pieces }: Block): unknown {
  const text = pieces.join('');
  if (start['type'] === 'text') return { ...start, text };
  if (start['type'] !== 'tool_use' || text === '') return start;
  const parsed = parseBody(text);
  return { ...start, input: parsed.ok ? parsed.value : null };
}
