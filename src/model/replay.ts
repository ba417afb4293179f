/** Two providers: one answers from a recording of earlier calls, the other records the answers of a third provider. */
import { CANCELLED, closedError, messageOf } from '../errors.ts';
import { MESSAGE_VALUE_CHARS } from '../limits.ts';
import type { ChatOutcome, ChatRequest, ReplaySettings } from './chat.ts';
import { type CalledProvider, endedChat, type FailedChat, failedChat } from './http-failure.ts';
import type { ChatLimits, Provider } from './provider.ts';
import { oneLine } from './provider-error.ts';
import { appendToRecording, type Recording, readRecording, versionOf } from './recording.ts';
import { requestHash } from './request-hash.ts';

/**
 * Plays a recording. If a request has several recorded answers, equal calls get them in order, and after the last
 * answer the first again. So a run with several takes plays as it was recorded.
 */
export class Player implements Provider {
  readonly #settings: ReplaySettings;
  #version: string | undefined;
  #reading: Promise<Recording> | undefined;
  /** The number of calls for each request hash. */
  readonly #asked = new Map<string, number>();
  #closed = false;

  constructor(settings: ReplaySettings) {
    this.#settings = settings;
  }

  async chat(request: ChatRequest, { signal }: ChatLimits): Promise<ChatOutcome> {
    const asked = askedOf(this.#settings, request);
    let recording: Recording | undefined;
    try {
      recording = await this.#read();
    } catch (thrown) {
      return unreadable(asked, this.#settings, 'read', thrown);
    }
    if (this.#closed) return endedChat(asked, closedError());
    if (signal.aborted) return endedChat(asked, CANCELLED);
    const hash = requestHash(request);
    const answers = recording?.get(hash) ?? [];
    const nth = this.#asked.get(hash) ?? 0;
    const response = answers[nth % answers.length];
    if (response === undefined) return this.#miss(asked, request, recording !== undefined);
    this.#asked.set(hash, nth + 1);
    return { ok: true, response };
  }

  warm(): void {}

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Returns the recording; undefined without a file. Reads the file again whenever it has changed. */
  async #read(): Promise<Recording | undefined> {
    const { file } = this.#settings;
    const version = await versionOf(file);
    if (version === undefined) return undefined;
    if (version !== this.#version || this.#reading === undefined) {
      this.#version = version;
      this.#asked.clear();
      this.#reading = readRecording(file);
    }
    return this.#reading;
  }

  #miss(asked: CalledProvider, request: ChatRequest, exists: boolean): FailedChat {
    const { id, file } = this.#settings;
    const prompt = request.messages.findLast(({ role }) => role === 'user')?.content ?? '';
    const start = oneLine(prompt, MESSAGE_VALUE_CHARS);
    const what = exists ? 'has no answer' : 'cannot answer, there is no such file';
    return failedChat(
      asked,
      'RVB_REPLAY_MISS',
      `${what} to ${JSON.stringify(start)}; record it: set mode: record and from: <provider id> for ${id} and run again (${file})`,
    );
  }
}

/** Passes calls on to another provider and records the answered ones. */
export class Recorder implements Provider {
  readonly #settings: ReplaySettings;
  readonly #from: Provider;

  constructor(settings: ReplaySettings, from: Provider) {
    this.#settings = settings;
    this.#from = from;
  }

  /** An answer that cannot be recorded is a failure, since gaps in a recording would be noticed too late. */
  async chat(request: ChatRequest, limits: ChatLimits): Promise<ChatOutcome> {
    const outcome = await this.#from.chat(request, limits);
    if (!outcome.ok) return outcome;
    try {
      appendToRecording(this.#settings.file, request, outcome.response);
      return outcome;
    } catch (thrown) {
      const { usage } = outcome.response;
      const failure = unreadable(
        askedOf(this.#settings, request),
        this.#settings,
        'written',
        thrown,
      );
      return usage === undefined ? failure : { ...failure, usage };
    }
  }

  warm(): void {
    this.#from.warm();
  }

  close(): Promise<void> {
    return this.#from.close();
  }
}

function askedOf({ id }: ReplaySettings, { model }: ChatRequest): CalledProvider {
  return { who: `${id}/${model}`, provider: id, clean: (text) => text };
}

function unreadable(
  asked: CalledProvider,
  { file }: ReplaySettings,
  done: 'read' | 'written',
  thrown: unknown,
): FailedChat {
  const what = `was asked in vain: the recording ${file} cannot be ${done}: ${messageOf(thrown, 200)}`;
  return failedChat(asked, 'RVB_OPTION_TYPE', what);
}
