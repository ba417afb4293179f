/**
 * Makes a statement's calls by the Batch APIs of their providers. Runs ask and end; their questions are gathered into
 * batches. When a batch has ended, the runs begin again and find the answers.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RvbbitError } from '../errors.ts';
import {
  type BatchManifest,
  dropManifest,
  readManifests,
  writeManifest,
} from '../jobs/batch-folder.ts';
import { ANTHROPIC_BATCHES } from '../model/batches/anthropic-batches.ts';
import { BATCH_DEADLINE_MS, type BatchApi, type EndedBatch } from '../model/batches/batch-api.ts';
import { BatchHttp } from '../model/batches/batch-http.ts';
import { OPENAI_BATCHES } from '../model/batches/openai-batches.ts';
import type { Answered, HttpSettings } from '../model/chat.ts';
import type { ParameterChanges } from '../model/parameters.ts';
import { protocolOf, sentParameters } from '../model/protocols/protocol-of.ts';
import type { CallRequest } from '../run/contract.ts';
import { NOTHING, type Reservation } from './budget.ts';

/** The most requests and bytes of one batch. Providers take more; but answers are held in memory until they are used. */
const BATCH_MAX_REQUESTS = 20_000;
const BATCH_MAX_BYTES = 64 * 1024 * 1024;
/** The first and the longest wait between two looks at a batch, and before a failed request is sent again. */
const LOOK_FIRST_MS = 200;
const LOOK_MOST_MS = 60_000;
const LOOK_GROWTH = 1.5;
/** A look at a batch that is refused so many times in a row, over some 20 s, ends the job. Fewer may come of a gateway. */
const LOOK_REFUSALS = 10;
/** A request that a dead process had sent may still be on its way. After this time a batch is there, or never will be. */
const SETTLE_MS = 3_000;
/** Cancelled batches are told to their providers within this time. */
const CANCEL_MS = 5_000;

/** A question that was put into a batch. */
export interface OrderedCall {
  /** The custom id of the request. */
  readonly id: string;
  readonly callKey: string;
  answer?: Answered;
  /** Room in the budget; absent if an earlier execution of the job has asked. */
  readonly reservation?: Reservation | undefined;
  /** True if the journal has the call. */
  isNoted: boolean;
}

interface Part {
  manifest: BatchManifest;
  readonly calls: OrderedCall[];
  /** Empty if the batch was sent, and for one of an earlier execution. */
  requests: string[];
  bytes: number;
  /** True for a batch of an earlier execution. */
  isOld: boolean;
  /** The end of the waits for it, ms since the epoch. */
  untilMs: number;
  /** Settles when the batch has ended, and never rejects. Absent until somebody wants its answers. */
  work?: Promise<void>;
}

/** The parameters of a statement's batches. */
export interface ProviderBatchesParts {
  /** The folder with the manifests of the job's batches. */
  readonly folder: string;
  /** The custom ids of the requests that earlier executions of the job have recorded in the journal. */
  readonly noted: ReadonlySet<string>;
  settingsOf(provider: string): HttpSettings | undefined;
}

export class ProviderBatches {
  readonly #parts: ProviderBatchesParts;
  /** The questions by call key. One that has failed is asked again, so that a key may have several. */
  readonly #calls = new Map<string, { readonly call: OrderedCall; readonly part: Part }[]>();
  readonly #gathering = new Map<string, Part>();
  readonly #out = new Set<Part>();
  readonly #clients = new Map<string, BatchHttp>();
  readonly #end = new AbortController();
  #number = 0;
  #hasNews = false;
  #failure: unknown;

  constructor(parts: ProviderBatchesParts) {
    this.#parts = parts;
    for (const manifest of readManifests(parts.folder)) {
      const part: Part = { manifest, calls: [], requests: [], bytes: 0, isOld: true, untilMs: 0 };
      this.#number = manifest.number;
      for (const callKey of manifest.keys) {
        const id = `${manifest.id}-${part.calls.length}`;
        this.#add(part, { id, callKey, isNoted: parts.noted.has(id) });
      }
    }
  }

  /** Returns a question that was asked before: the first one of the key, or after so many failures the next one. */
  find(callKey: string, failures: number): OrderedCall | undefined {
    const found = this.#calls.get(callKey)?.[failures];
    if (found === undefined) return undefined;
    const { part, call } = found;
    if (part.isOld) this.#begin(part);
    return call;
  }

  /** True if a batch has brought an answer to a question, which is paid and not recorded. */
  hasBrought(callKey: string): boolean {
    const found = this.#calls.get(callKey) ?? [];
    return found.some(({ call: { answer, isNoted } }) => answer !== undefined && !isNoted);
  }

  /** Puts a question into the next batch. */
  ask(
    { provider, model, callKey, ordered }: CallRequest,
    learned: ParameterChanges | undefined,
    reservation: Reservation | undefined,
  ): void {
    const settings = this.#settingsOf(provider);
    const { request } = ordered!;
    const parameters = sentParameters(settings, request, learned);
    const { responseFormat } = settings;
    const body = protocolOf(settings.type).body({ ...request, parameters }, { responseFormat });
    const key = `${provider}\n${model}`;
    let part = this.#gathering.get(key);
    if (part === undefined) {
      this.#number += 1;
      const id = `rvb-${randomBytes(8).toString('hex')}`;
      const manifest = { id, number: this.#number, provider, model, createdMs: 0, keys: [] };
      part = { manifest, calls: [], requests: [], bytes: 0, isOld: false, untilMs: 0 };
      this.#gathering.set(key, part);
    }
    const id = `${part.manifest.id}-${part.calls.length}`;
    const line = apiOf(settings).request(id, body);
    part.requests.push(line);
    part.bytes += Buffer.byteLength(line);
    this.#add(part, { id, callKey, reservation, isNoted: false });
    if (part.requests.length < BATCH_MAX_REQUESTS && part.bytes < BATCH_MAX_BYTES) return;
    this.#gathering.delete(key);
    this.#send(part);
  }

  /** Forgets the answers to a question that were used. */
  forget(callKey: string): void {
    this.#calls.delete(callKey);
  }

  /** Sends what was gathered, and waits until at least one batch has ended. Throws what ends the statement. */
  async next(): Promise<void> {
    for (const part of this.#gathering.values()) this.#send(part);
    this.#gathering.clear();
    // Runs that found no room in the budget are to ask again, now that all calls have settled.
    if (!this.#hasNews && this.#out.size > 0) {
      await Promise.race([...this.#out].map(({ work }) => work));
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#hasNews = false;
  }

  /** Ends all waits. The batches stay as they are. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all([...this.#out].map(({ work }) => work));
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  #add(part: Part, call: OrderedCall): void {
    part.calls.push(call);
    const known = this.#calls.get(call.callKey);
    if (known === undefined) this.#calls.set(call.callKey, [{ call, part }]);
    else known.push({ call, part });
  }

  /** The manifest is on disk before anything is sent: a later execution knows what may have been asked. */
  #send(part: Part): void {
    const keys = part.calls.map(({ callKey }) => callKey);
    part.manifest = { ...part.manifest, createdMs: Date.now(), keys };
    writeManifest(this.#parts.folder, part.manifest);
    this.#begin(part);
  }

  #begin(part: Part): void {
    if (part.work !== undefined) return;
    this.#out.add(part);
    part.untilMs = Date.now() + BATCH_DEADLINE_MS;
    part.work = this.#follow(part)
      .catch((thrown: unknown) => {
        this.#failure ??= thrown;
      })
      .finally(() => {
        this.#out.delete(part);
        this.#hasNews = true;
      });
  }

  async #follow(part: Part): Promise<void> {
    const { batch } = part.manifest;
    const isThere =
      batch !== undefined
        ? await this.#collect(part, batch, true)
        : part.isOld
          ? await this.#findAgain(part)
          : await this.#create(part);
    if (isThere) return;
    // It was never created, or the provider was full: the runs that need its answers ask again.
    dropManifest(this.#parts.folder, part.manifest);
    const gone = new Set(part.calls);
    for (const { callKey, reservation } of part.calls) {
      reservation?.settle(NOTHING);
      const left = this.#calls.get(callKey)?.filter(({ call }) => !gone.has(call)) ?? [];
      if (left.length === 0) this.#calls.delete(callKey);
      else this.#calls.set(callKey, left);
    }
  }

  /** Creates a batch and collects its answers. */
  async #create(part: Part): Promise<boolean> {
    const { http, api } = this.#of(part);
    for (let waitMs = LOOK_FIRST_MS, isFirst = true; ; isFirst = false) {
      try {
        if (!isFirst && (await this.#findAgain(part))) return true;
        this.#noteId(part, await api.create(http, part.manifest, part.requests));
        break;
      } catch (thrown) {
        waitMs = await this.#waitAfter(part, thrown, waitMs).catch((last: unknown) => {
          // The provider has refused it: there is nothing to look for or to cancel.
          const isRefused = isFirst && last instanceof RvbbitError && !this.#end.signal.aborted;
          if (isRefused) dropManifest(this.#parts.folder, part.manifest);
          throw last;
        });
      }
    }
    return this.#collect(part, part.manifest.batch!, true);
  }

  /** Looks for a batch that may have been created, and collects its answers. */
  async #findAgain(part: Part): Promise<boolean> {
    const { http, api } = this.#of(part);
    await this.#pause(SETTLE_MS);
    const others = new Set(readManifests(this.#parts.folder).map(({ batch }) => batch));
    const candidates = await this.#retried(part, () => api.candidates(http, part.manifest));
    for (const batch of candidates) {
      if (others.has(batch)) continue;
      if (api.isNamed) this.#noteId(part, batch);
      if (await this.#collect(part, batch, api.isNamed)) return true;
    }
    return false;
  }

  #noteId(part: Part, batch: string): void {
    part.requests = [];
    part.manifest = { ...part.manifest, batch };
    writeManifest(this.#parts.folder, part.manifest);
  }

  /**
   * Waits for the end of a batch and takes its answers, whichever request they are for: of several the first. Returns
   * false if the batch turns out to be another one, or was refused because the provider was full.
   */
  async #collect(part: Part, batch: string, isSure: boolean): Promise<boolean> {
    const { http, api } = this.#of(part);
    let end: EndedBatch | undefined;
    for (let waitMs = LOOK_FIRST_MS; ; waitMs = longer(waitMs)) {
      end = await this.#retried(part, () => api.ended(http, batch));
      if (end !== undefined) break;
      this.#checkTime(part);
      await this.#pause(waitMs);
    }
    if (end.isFull === true) {
      await this.#pause(LOOK_MOST_MS);
      return false;
    }
    const { id: name } = part.manifest;
    let isOurs = isSure;
    for (const file of end.files) {
      await this.#retried(part, async () => {
        for await (const line of http.lines(file)) {
          const result = api.readResult(line);
          if (result === undefined || !result.id.startsWith(`${name}-`)) continue;
          isOurs = true;
          const call = part.calls[Number(result.id.slice(name.length + 1))];
          if (call !== undefined) call.answer ??= result.answer;
        }
      });
    }
    if (!isOurs) return false;
    if (part.manifest.batch === undefined) this.#noteId(part, batch);
    for (const call of part.calls) call.answer ??= end.rest;
    return true;
  }

  /** Looks at what was bought, again and again after failures. */
  async #retried<T>(part: Part, look: () => Promise<T>): Promise<T> {
    for (let waitMs = LOOK_FIRST_MS, refusals = 0; ; ) {
      try {
        return await look();
      } catch (thrown) {
        const isFailure = thrown instanceof RvbbitError;
        refusals = isFailure && !thrown.retryable ? refusals + 1 : 0;
        waitMs = await this.#waitAfter(part, thrown, waitMs, isFailure && refusals < LOOK_REFUSALS);
      }
    }
  }

  /** Waits after a failure that may be temporary, and returns the next wait. Throws any other. */
  async #waitAfter(
    part: Part,
    thrown: unknown,
    waitMs: number,
    mayPass = thrown instanceof RvbbitError && thrown.retryable,
  ): Promise<number> {
    if (!mayPass) throw thrown;
    this.#checkTime(part);
    await this.#pause(waitMs);
    return longer(waitMs);
  }

  #checkTime({ untilMs, manifest: { provider, batch = 'not created' } }: Part): void {
    if (Date.now() < untilMs) return;
    const hours = BATCH_DEADLINE_MS / 3_600_000;
    const message = `a batch of ${provider} (${batch}) has not ended within ${hours} hours; ask the provider`;
    throw new RvbbitError('RVB_DEADLINE', message, { stage: 'execute' });
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#end.signal });
  }

  #of({ manifest: { provider } }: Part): { readonly http: BatchHttp; readonly api: BatchApi } {
    const settings = this.#settingsOf(provider);
    let http = this.#clients.get(provider);
    if (http === undefined) {
      http = new BatchHttp(settings, this.#end.signal);
      this.#clients.set(provider, http);
    }
    return { http, api: apiOf(settings) };
  }

  #settingsOf(provider: string): HttpSettings {
    const settings = this.#parts.settingsOf(provider);
    if (settings !== undefined) return settings;
    const message = `a batch of this job is at the provider ${provider}, which is not configured`;
    throw new RvbbitError('RVB_NO_MODEL', message, { stage: 'execute' });
  }
}

/** Cancels the batches of a job that have not ended. Returns what could not be cancelled, and why. */
export async function cancelBatches(
  folder: string,
  settingsOf: ProviderBatchesParts['settingsOf'],
): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(CANCEL_MS);
  const cancelled = readManifests(folder).map(async (manifest): Promise<string[]> => {
    const { provider, id } = manifest;
    const settings = settingsOf(provider);
    if (settings === undefined) return [`${id}: the provider ${provider} is not configured here`];
    const http = new BatchHttp(settings, signal);
    const api = apiOf(settings);
    try {
      const known = manifest.batch === undefined ? undefined : [manifest.batch];
      if (known === undefined && !api.isNamed) return [`${id}: ${provider} may have created it`];
      for (const batch of known ?? (await api.candidates(http, manifest))) {
        // One that has ended cannot be cancelled.
        await api.cancel(http, batch).catch(async (thrown: unknown) => {
          if ((await api.ended(http, batch)) === undefined) throw thrown;
        });
      }
      return [];
    } catch (thrown) {
      return [`${manifest.batch ?? id}: ${(thrown as Error).message}`];
    } finally {
      await http.close();
    }
  });
  return (await Promise.all(cancelled)).flat();
}

function apiOf({ type }: HttpSettings): BatchApi {
  return type === 'anthropic' ? ANTHROPIC_BATCHES : OPENAI_BATCHES;
}

function longer(waitMs: number): number {
  return Math.min(LOOK_MOST_MS, waitMs * LOOK_GROWTH);
}
