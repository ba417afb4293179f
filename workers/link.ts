/**
 * The worker's line to the main thread: cascades, SQL and model functions, leave to call and the account of
 * calls, answers at hand, and word of cancelled and drained statements. Tasks do not travel here; Piscina
 * carries those.
 */

import { getHeapStatistics } from 'node:v8';
import {
  MessageChannel,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  threadId,
} from 'node:worker_threads';
import type { Cascade } from '../src/cascade/cascade.ts';
import { STOPS_KEPT } from '../src/limits.ts';
import type { ChatOutcome, ChatRequest, ModelTarget } from '../src/model/chat.ts';
import type {
  CallDecision,
  CallRequest,
  EndedAttempt,
  LookUp,
  SqlCellOutcome,
  SqlCellQuery,
} from '../src/run/contract.ts';
import { dropOldest } from '../src/util/drop-oldest.ts';
import { Beacon } from './beacon.ts';
import type {
  AskedCall,
  EndedCalls,
  WorkerHello,
  WorkerMessage,
  WorkerRequest,
} from './protocol.ts';

const HEARTBEAT_MS = 100;
/** Of the last beat in the mean: a burst, such as code that runs for the first time, is no lack of room for calls. */
const UTILIZATION_WEIGHT = 0.25;
/** The end of a call goes with its chunk, or by itself where the chunk goes on for longer than this. */
const ENDED_AFTER_MS = 20;

type Reply = Extract<WorkerMessage, { id: number }>;

/** Calls of one chunk that have ended and that the main thread has not been told of. */
export interface UnsaidEnds {
  readonly statementId: number;
  ended: EndedAttempt[];
  /** Others went ahead of the chunk, on the link. */
  wentAhead: boolean;
}

export class WorkerLink {
  readonly beacon = new Beacon();
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #controllers = new Map<number, AbortController>();
  readonly #cancelled = new Set<number>();
  readonly #drained = new Set<number>();
  readonly #onWarm: (target: ModelTarget, connections: number) => void;
  readonly #undecided = new Map<number, (decision: CallDecision) => void>();
  /** Ended calls to be told of and calls to be asked leave for in one message: each wakes the main thread. */
  #ended: EndedCalls[] = [];
  #asked: AskedCall[] = [];
  readonly #unsaid = new Set<UnsaidEnds>();
  #unsaidTimer: NodeJS.Timeout | undefined;
  #utilizationBefore = performance.eventLoopUtilization();
  #utilization = 0;
  #nextId = 1;
  #stopsHeard = 0;

  /** `onWarm` opens connections ahead of a statement's calls. */
  constructor(onWarm: (target: ModelTarget, connections: number) => void) {
    this.#onWarm = onWarm;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (message: WorkerMessage) => this.#receive(message));
    // The link alone must not keep a worker alive that its pool has let go.
    port1.unref();
    setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
    const hello: WorkerHello = {
      kind: 'rvbbit.hello',
      threadId,
      port: port2,
      beacon: this.beacon.memory,
    };
    parentPort?.postMessage(hello, [port2]);
  }

  /** The cascade with this hash, or null where the main thread does not have it either. */
  async cascade(hash: string): Promise<Cascade | null> {
    const reply = await this.#ask((id) => this.#port.postMessage({ kind: 'cascade', id, hash }));
    return reply.kind === 'cascade' ? reply.cascade : null;
  }

  /** Runs a rendered query on the connection of the statement's session. */
  async sql(statementId: number, query: SqlCellQuery): Promise<SqlCellOutcome> {
    const reply = await this.#ask((id) =>
      this.#port.postMessage({ kind: 'sql', id, statementId, query }),
    );
    return reply.kind === 'sql'
      ? reply.outcome
      : { ok: false, error: { code: 'RVB_INTERNAL', message: 'wrong reply to a sql request' } };
  }

  /** Asks the embedding program's model function, on the main thread. */
  async chat(statementId: number, request: ChatRequest, timeoutMs: number): Promise<ChatOutcome> {
    const reply = await this.#ask((id) =>
      this.#port.postMessage({ kind: 'chat', id, statementId, request, timeoutMs }),
    );
    const message = 'wrong reply to a chat request';
    return reply.kind === 'chat'
      ? reply.outcome
      : { ok: false, error: { code: 'RVB_INTERNAL', message }, retryable: false };
  }

  /** Looks for answers at hand; null for each call that has none. */
  async find(statementId: number, lookUp: LookUp): Promise<readonly (string | null)[]> {
    const reply = await this.#ask((id) =>
      this.#port.postMessage({ kind: 'find', id, statementId, lookUp }),
    );
    return reply.kind === 'find' ? reply.texts : [];
  }

  /**
   * Asks leave for a model call of a chunk; those of its calls that have ended make room for it. The main
   * thread answers each, cancelled statements' too.
   */
  requestCall(unsaid: UnsaidEnds, request: CallRequest): Promise<CallDecision> {
    const id = this.#nextId++;
    this.#say(unsaid);
    if (this.#asked.length === 0) setImmediate(() => this.#tellCalls());
    this.#asked.push({ id, statementId: unsaid.statementId, request });
    return new Promise((resolve) => this.#undecided.set(id, resolve));
  }

  /** Keeps the account of an ended call until its chunk takes it along or asks for another call, a `js` cell runs, or for
   * `ENDED_AFTER_MS`. Until then its permit is held. */
  endCall(unsaid: UnsaidEnds, ended: EndedAttempt): void {
    unsaid.ended.push(ended);
    this.#unsaid.add(unsaid);
    this.#unsaidTimer ??= setTimeout(() => {
      this.#unsaidTimer = undefined;
      this.tellEnded();
    }, ENDED_AFTER_MS);
  }

  /** Tells of all calls that have ended: what comes now may hold the thread, or be the end of it. */
  tellEnded(): void {
    if (this.#unsaid.size > 0) for (const one of this.#unsaid) this.#say(one);
    if (this.#ended.length > 0) this.#tellCalls();
  }

  /** The chunk takes them along. */
  take(unsaid: UnsaidEnds): readonly EndedAttempt[] {
    this.#unsaid.delete(unsaid);
    return unsaid.ended;
  }

  /** Aborts when the statement is cancelled. One signal serves all chunks of a statement here. */
  signalOf(statementId: number): AbortSignal {
    let controller = this.#controllers.get(statementId);
    if (controller === undefined) {
      controller = new AbortController();
      if (this.#cancelled.has(statementId)) controller.abort();
      this.#controllers.set(statementId, controller);
    }
    return controller.signal;
  }

  /** Takes in cancels and drains that wait on the link: rows that await nothing leave no turn to hear them in. */
  hearStops(): void {
    const { endings } = this.beacon;
    if (endings === this.#stopsHeard) return;
    this.#stopsHeard = endings;
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#receive(received.message as WorkerMessage);
    }
  }

  /** No further row of the statement is to start. */
  isDrained(statementId: number): boolean {
    return this.#drained.has(statementId);
  }

  /** The worker holds no chunk of the statement any more. */
  forget(statementId: number): void {
    this.#controllers.delete(statementId);
  }

  #beat(): void {
    const { utilization } = performance.eventLoopUtilization(this.#utilizationBefore);
    this.#utilizationBefore = performance.eventLoopUtilization();
    this.#utilization += (utilization - this.#utilization) * UTILIZATION_WEIGHT;
    this.beacon.beat(getHeapStatistics().external_memory / 2 ** 20, this.#utilization);
  }

  /** A chunk's ended calls go with the next message, ahead of the chunk. */
  #say(unsaid: UnsaidEnds): void {
    const { statementId, ended } = unsaid;
    if (ended.length === 0) return;
    this.#unsaid.delete(unsaid);
    unsaid.ended = [];
    unsaid.wentAhead = true;
    this.#ended.push({ statementId, ended });
  }

  #tellCalls(): void {
    if (this.#ended.length + this.#asked.length === 0) return;
    const message: WorkerRequest = { kind: 'calls', ended: this.#ended, asked: this.#asked };
    this.#ended = [];
    this.#asked = [];
    this.#port.postMessage(message);
  }

  #ask(post: (id: number) => void): Promise<Reply> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      post(id);
    });
  }

  #receive(message: WorkerMessage): void {
    if (message.kind === 'cancel') {
      this.#cancelled.add(message.statementId);
      dropOldest(this.#cancelled, STOPS_KEPT);
      this.#controllers.get(message.statementId)?.abort();
      return;
    }
    if (message.kind === 'drain') {
      this.#drained.add(message.statementId);
      dropOldest(this.#drained, STOPS_KEPT);
      return;
    }
    if (message.kind === 'warm') {
      this.#onWarm(message.target, message.connections);
      return;
    }
    if (message.kind === 'decisions') {
      for (const { id, decision } of message.decisions) {
        const resolve = this.#undecided.get(id);
        this.#undecided.delete(id);
        resolve?.(decision);
      }
      return;
    }
    const resolve = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    resolve?.(message);
  }
}
