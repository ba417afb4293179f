/**
 * The worker's link to the main thread. It carries cascades, SQL, model functions, decisions on calls, reports of
 * ended calls, stored answers, outcomes of chunks, and notices of cancelled and drained statements. It does not carry
 * tasks; Piscina carries those.
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
import type { ChunkOutcome, WorkerHello, WorkerMessage, WorkerRequest } from './protocol.ts';

const HEARTBEAT_MS = 100;
/**
 * The weight of the last beat in the mean utilization. It is low because a burst, such as code that runs for the
 * first time, does not mean a lack of room for calls.
 */
const UTILIZATION_WEIGHT = 0.25;
/** An ended call is reported with its chunk, or by itself if the chunk goes on for longer than this. */
const ENDED_AFTER_MS = 20;
/** The longest turn of the event loop that holds back what was said in it. */
const TURN_MAX_MS = 5;

type Reply = Extract<WorkerMessage, { id: number }>;

/** The ended calls of one chunk that were not yet reported to the main thread. */
export interface UnsaidEnds {
  readonly statementId: number;
  ended: EndedAttempt[];
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
  /** What was said in this turn of the event loop. */
  #turn: WorkerRequest[] = [];
  #turnMs = 0;
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
    port1.on('message', (turn: readonly WorkerMessage[]) => this.#receive(turn));
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
    const reply = await this.#ask((id) => ({ kind: 'cascade', id, hash }));
    return reply.kind === 'cascade' ? reply.cascade : null;
  }

  /** Runs a rendered query on the connection of the statement's session. */
  async sql(statementId: number, query: SqlCellQuery): Promise<SqlCellOutcome> {
    const reply = await this.#ask((id) => ({ kind: 'sql', id, statementId, query }));
    return reply.kind === 'sql'
      ? reply.outcome
      : { ok: false, error: { code: 'RVB_INTERNAL', message: 'wrong reply to a sql request' } };
  }

  /** Asks the embedding program's model function, on the main thread. */
  async chat(statementId: number, request: ChatRequest, timeoutMs: number): Promise<ChatOutcome> {
    const reply = await this.#ask((id) => ({ kind: 'chat', id, statementId, request, timeoutMs }));
    const message = 'wrong reply to a chat request';
    return reply.kind === 'chat'
      ? reply.outcome
      : { ok: false, error: { code: 'RVB_INTERNAL', message }, retryable: false };
  }

  /** Looks for stored answers. Returns null for each call without one. */
  async find(statementId: number, lookUp: LookUp): Promise<readonly (string | null)[]> {
    const reply = await this.#ask((id) => ({ kind: 'find', id, statementId, lookUp }));
    return reply.kind === 'find' ? reply.texts : [];
  }

  /**
   * Asks the main thread to decide on a model call of a chunk. The chunk's ended calls are reported first, and make
   * room for the call. The main thread answers every request, also those of cancelled statements.
   */
  async requestCall(unsaid: UnsaidEnds, request: CallRequest): Promise<CallDecision> {
    const { statementId } = unsaid;
    this.#report(unsaid);
    const reply = await this.#ask((id) => ({ kind: 'call', id, statementId, request }));
    const message = 'wrong reply to a call request';
    return reply.kind === 'decision'
      ? reply.decision
      : { kind: 'refused', error: { code: 'RVB_INTERNAL', message } };
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
      this.tellAll();
    }, ENDED_AFTER_MS);
  }

  /** Says all at once, ended calls too, because the code that runs next may block the thread or end it. */
  tellAll(): void {
    if (this.#unsaid.size > 0) for (const one of this.#unsaid) this.#report(one);
    if (this.#turn.length > 0) this.#post();
  }

  /** Sends the outcome of a chunk. */
  deliver(outcome: ChunkOutcome): void {
    this.#say({ kind: 'outcome', outcome });
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
      this.#receive(received.message as readonly WorkerMessage[]);
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
  #report(unsaid: UnsaidEnds): void {
    const { statementId, ended } = unsaid;
    if (ended.length === 0) return;
    this.#unsaid.delete(unsaid);
    unsaid.ended = [];
    this.#say({ kind: 'ended', statementId, ended });
  }

  #ask(requestOf: (id: number) => WorkerRequest): Promise<Reply> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#say(requestOf(id));
    });
  }

  #say(request: WorkerRequest): void {
    this.#turn.push(request);
    if (this.#turn.length === 1) {
      this.#turnMs = performance.now();
      setImmediate(() => this.#post());
    } else if (performance.now() - this.#turnMs > TURN_MAX_MS) {
      this.#post();
    }
  }

  #post(): void {
    const turn = this.#turn;
    if (turn.length === 0) return;
    this.#turn = [];
    this.#port.postMessage(turn);
  }

  #receive(turn: readonly WorkerMessage[]): void {
    for (const message of turn) this.#hear(message);
  }

  #hear(message: WorkerMessage): void {
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
    const resolve = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    resolve?.(message);
  }
}
