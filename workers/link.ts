/**
 * The worker's link to the main thread. It carries cascades, SQL, model functions, decisions on calls, reports of
 * ended calls, stored answers, and notices of cancelled and drained statements. It does not carry tasks; Piscina
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
/**
 * The weight of the last beat in the mean utilization. It is low because a burst, such as code that runs for the
 * first time, does not mean a lack of room for calls.
 */
const UTILIZATION_WEIGHT = 0.25;
/** An ended call is reported with its chunk, or by itself if the chunk goes on for longer than this. */
const ENDED_AFTER_MS = 20;

type Reply = Extract<WorkerMessage, { id: number }>;

/** The ended calls of one chunk that were not yet reported to the main thread. */
export interface UnsaidEnds {
  readonly statementId: number;
  ended: EndedAttempt[];
  /** True if other ended calls were reported on the link, ahead of the chunk. */
  wentAhead: boolean;
}

/** What the main thread orders of the worker's connections. */
interface ConnectionOrders {
  /** Load what calls to the target need. */
  warm(target: ModelTarget): void;
  /** Have no more connections open than this memory says. */
  bound(share: SharedArrayBuffer): void;
}

export class WorkerLink {
  readonly beacon = new Beacon();
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #controllers = new Map<number, AbortController>();
  readonly #cancelled = new Set<number>();
  readonly #drained = new Set<number>();
  readonly #connections: ConnectionOrders;
  readonly #undecided = new Map<number, (decision: CallDecision) => void>();
  /** Ended calls to report, and calls to decide on. They go in one message, because each message wakes the main thread. */
  #ended: EndedCalls[] = [];
  #asked: AskedCall[] = [];
  readonly #unsaid = new Set<UnsaidEnds>();
  #unsaidTimer: NodeJS.Timeout | undefined;
  #utilizationBefore = performance.eventLoopUtilization();
  #utilization = 0;
  #nextId = 1;
  #stopsHeard = 0;

  constructor(connections: ConnectionOrders) {
    this.#connections = connections;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (message: WorkerMessage) => this.#receive(message));
    // The link alone must not keep a worker alive that its pool no longer uses.
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

  /** Returns the cascade with this hash; null if the main thread does not have it either. */
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

  /** Looks for stored answers. Returns null for each call without one. */
  async find(statementId: number, lookUp: LookUp): Promise<readonly (string | null)[]> {
    const reply = await this.#ask((id) =>
      this.#port.postMessage({ kind: 'find', id, statementId, lookUp }),
    );
    return reply.kind === 'find' ? reply.texts : [];
  }

  /**
   * Asks the main thread to decide on a model call of a chunk. The chunk's ended calls are reported first, and make
   * room for the call. The main thread answers every request, also those of cancelled statements.
   */
  requestCall(unsaid: UnsaidEnds, request: CallRequest): Promise<CallDecision> {
    const id = this.#nextId++;
    this.#say(unsaid);
    if (this.#asked.length === 0) setImmediate(() => this.#tellCalls());
    this.#asked.push({ id, statementId: unsaid.statementId, request });
    return new Promise((resolve) => this.#undecided.set(id, resolve));
  }

  /**
   * Keeps the report of an ended call until its chunk ends or asks for another call, until a `js` cell runs, or for
   * `ENDED_AFTER_MS`. Until then the call's permit is held.
   */
  endCall(unsaid: UnsaidEnds, ended: EndedAttempt): void {
    unsaid.ended.push(ended);
    this.#unsaid.add(unsaid);
    this.#unsaidTimer ??= setTimeout(() => {
      this.#unsaidTimer = undefined;
      this.tellEnded();
    }, ENDED_AFTER_MS);
  }

  /** Reports all ended calls at once, because the code that runs next may block the thread or end it. */
  tellEnded(): void {
    if (this.#unsaid.size > 0) for (const one of this.#unsaid) this.#say(one);
    if (this.#ended.length > 0) this.#tellCalls();
  }

  /** Returns the ended calls that were not yet reported, for the chunk to take along. */
  take(unsaid: UnsaidEnds): readonly EndedAttempt[] {
    this.#unsaid.delete(unsaid);
    return unsaid.ended;
  }

  /** Returns a signal that aborts when the statement is cancelled. One signal serves all its chunks in this worker. */
  signalOf(statementId: number): AbortSignal {
    let controller = this.#controllers.get(statementId);
    if (controller === undefined) {
      controller = new AbortController();
      if (this.#cancelled.has(statementId)) controller.abort();
      this.#controllers.set(statementId, controller);
    }
    return controller.signal;
  }

  /** Reads cancels and drains that wait on the link. Rows that await nothing leave the event loop no turn to deliver them. */
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

  /** Whether no further row of the statement is to start. */
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

  /** Puts a chunk's ended calls into the next message, which goes ahead of the chunk. */
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
      this.#connections.warm(message.target);
      return;
    }
    if (message.kind === 'sockets') {
      this.#connections.bound(message.share);
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
