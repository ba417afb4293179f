/** The providers that a worker has called, each with its connections. */

import { assertUnreachable } from '../src/errors.ts';
import type { ChatOutcome, ChatRequest, ModelTarget, ProviderSettings } from '../src/model/chat.ts';
import { HttpProvider } from '../src/model/http-provider.ts';
import { Lexical } from '../src/model/lexical/lexical.ts';
import type { ChatLimits, Provider } from '../src/model/provider.ts';
import { Player, Recorder } from '../src/model/replay.ts';
import { ThreadSockets } from '../src/model/sockets.ts';
import { dropOldest } from '../src/util/drop-oldest.ts';

/** The most providers (different settings) to which a worker keeps connections. */
const WORKER_MAX_PROVIDERS = 64;

/** A target that the worker itself calls. */
export type ProviderTarget = Extract<ModelTarget, { readonly kind: 'provider' }>;

export class Providers {
  /** The providers by the JSON of their settings: equal settings share connections. */
  readonly #bySettings = new Map<string, Provider>();
  /** The providers by settings object, so that a call need not write its settings as JSON. */
  #byIdentity = new WeakMap<ProviderSettings, Provider>();
  /** The connections of all providers. */
  readonly sockets = new ThreadSockets();

  /** Makes one call; never rejects. */
  chat(target: ProviderTarget, request: ChatRequest, options: ChatLimits): Promise<ChatOutcome> {
    return this.#providerOf(target).chat(request, options);
  }

  /** Loads what the target's calls need. */
  warm(target: ProviderTarget): void {
    this.#providerOf(target).warm();
  }

  /** Ends all calls and connections. */
  async close(): Promise<void> {
    const all = [...this.#bySettings.values()];
    this.#bySettings.clear();
    this.#byIdentity = new WeakMap();
    await Promise.all(all.map((provider) => provider.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #providerOf({ provider: settings }: ProviderTarget): Provider {
    const known = this.#byIdentity.get(settings);
    if (known !== undefined) return known;
    const key = JSON.stringify(settings);
    let provider = this.#bySettings.get(key);
    if (provider === undefined) {
      provider = openProvider(settings, this.sockets);
      this.#bySettings.set(key, provider);
      // The idle connections of a dropped provider end by themselves.
      dropOldest(this.#bySettings, WORKER_MAX_PROVIDERS);
    }
    this.#byIdentity.set(settings, provider);
    return provider;
  }
}

function openProvider(settings: ProviderSettings, sockets: ThreadSockets): Provider {
  switch (settings.type) {
    case 'openai-compatible':
    case 'anthropic':
      return new HttpProvider(settings, undefined, sockets);
    case 'lexical':
      return new Lexical(settings.id);
    case 'replay':
      return settings.record === undefined
        ? new Player(settings)
        : new Recorder(settings, openProvider(settings.record, sockets));
    default:
      return assertUnreachable(settings);
  }
}
