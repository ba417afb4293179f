/** Reads the bytes of a stream of server-sent events as they arrive, within bounds. */
import { createParser, type EventSourceParser } from 'eventsource-parser';
import { MODEL_RESPONSE_MAX_BYTES, RAW_ANSWER_CHARS } from '../limits.ts';
import type { BodyJson } from './body-text.ts';
import type { StreamFold } from './protocols/protocol.ts';

/** No API key or header is longer than this. */
const SECRET_MAX_CHARS = 16_384;
const KEPT_CHARS = RAW_ANSWER_CHARS + 2 * SECRET_MAX_CHARS;

/** Control characters except tab and line feed. */
const CONTROL = /[\0-\u0008\u000b-\u001f\u007f]/;
const NO_TEXT = 'is not valid UTF-8';

/**
 * Reads one streamed answer. Lines that do not belong to an event (comments, unknown fields) are ignored. An event
 * that the end of the body cuts off is read as if it were complete: only the protocol's last event completes the
 * answer.
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
        // An unknown field is harmless. A field with control characters may be a damaged part of the answer.
        else if (CONTROL.test(line))
          this.#problem ??= 'holds control characters between its events';
      },
    });
  }

  /** True if the reader ignores all further bytes. */
  get isOver(): boolean {
    return this.#isTooLarge || this.#problem !== undefined || this.#fold.isWhole;
  }

  /** True if the protocol's last event has arrived and the stream is valid. */
  get isWhole(): boolean {
    return this.#problem === undefined && !this.#isTooLarge && this.#fold.isWhole;
  }

  /** True if an event or the answer has more than MODEL_RESPONSE_MAX_BYTES characters. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  /**
   * Returns text for the journal: the body put together so far, so that no secret is split over events, else the start
   * of the raw text. `clean` removes secrets. The end of a cut raw text is dropped, since it may be part of a secret.
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

  /** Returns the body of the answer, or what is wrong with it. `hasEnded`: the whole response has arrived. */
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
