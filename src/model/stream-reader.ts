/** The bytes of a stream of server-sent events, read as they come and within bounds. */
import { createParser, type EventSourceParser } from 'eventsource-parser';
import { MODEL_RESPONSE_MAX_BYTES, RAW_ANSWER_CHARS } from '../limits.ts';
import type { BodyJson } from './body-text.ts';
import type { StreamFold } from './protocols/protocol.ts';

/** No key or header is longer. */
const SECRET_MAX_CHARS = 16_384;
const KEPT_CHARS = RAW_ANSWER_CHARS + 2 * SECRET_MAX_CHARS;

/** All but tabs. */
const CONTROL = /[\0-\u0008\u000b-\u001f\u007f]/;
const NO_TEXT = 'is not valid UTF-8';

/**
 * Lines that are no event (comments, fields that nobody knows) do not count. An event that is cut off by the end of
 * the body is read as if it were whole: only the protocol's last event makes the answer so.
 */
export class StreamReader {
  readonly #fold: StreamFold;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #parser: EventSourceParser;
  #problem: string | undefined;
  #isTooLarge = false;
  #text = '';

  constructor(fold: StreamFold) {
    this.#fold = fold;
    this.#parser = createParser({
      maxBufferSize: MODEL_RESPONSE_MAX_BYTES,
      onEvent: (event) => {
        if (this.isOver) return;
        this.#problem = this.#fold.add(event);
        this.#isTooLarge = this.#fold.chars > MODEL_RESPONSE_MAX_BYTES;
      },
      onError: ({ type, line = '' }) => {
        if (type === 'max-buffer-size-exceeded') this.#isTooLarge = true;
        // A field that nobody knows says nothing; a damaged one may have held a part of the answer.
        else if (CONTROL.test(line))
          this.#problem ??= 'holds control characters between its events';
      },
    });
  }

  /** Nothing that still comes counts. */
  get isOver(): boolean {
    return this.#isTooLarge || this.#problem !== undefined || this.#fold.isWhole;
  }

  /** The last event has come. */
  get isWhole(): boolean {
    return this.#problem === undefined && !this.#isTooLarge && this.#fold.isWhole;
  }

  /** An event or the answer has more than MODEL_RESPONSE_MAX_BYTES characters. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  /**
   * For the record: what it has been put together to so far, in which no secret stands in pieces; where it holds no
   * answer, the beginning of its text. `clean` takes secrets out, and of one that the cut went through nothing is left.
   */
  text(clean: (text: string) => string): string {
    if (this.#problem === NO_TEXT) return '';
    if (this.#fold.chars > 0) return clean(JSON.stringify(this.#fold.body()));
    const text = clean(this.#text);
    return this.#text.length < KEPT_CHARS ? text : text.slice(0, -SECRET_MAX_CHARS);
  }

  feed(bytes: Uint8Array): void {
    if (!this.isOver) this.#read(() => this.#decoder.decode(bytes, { stream: true }));
  }

  /** The body of the answer; `hasEnded`: all of the response has come. */
  result(hasEnded: boolean): BodyJson {
    if (hasEnded && !this.isOver) this.#read(() => `${this.#decoder.decode()}\n\n`);
    if (this.#problem !== undefined) return { ok: false, problem: this.#problem };
    if (this.#isTooLarge) return { ok: false, problem: 'is too large' };
    if (!this.#fold.isWhole) {
      const problem = this.#text.trim() === '' ? 'is empty' : 'broke off before its last event';
      return { ok: false, problem };
    }
    return { ok: true, value: this.#fold.body() };
  }

  #read(decode: () => string): void {
    let text: string;
    try {
      text = decode();
    } catch {
      this.#problem = NO_TEXT;
      return;
    }
    if (this.#text.length < KEPT_CHARS) {
      this.#text += text.slice(0, KEPT_CHARS - this.#text.length);
    }
    this.#parser.feed(text);
  }
}
