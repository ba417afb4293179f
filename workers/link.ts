/**
 * The worker's line to the main thread: it fetches cascades, runs SQL on the session's DuckDB and
 * hears of cancelled statements. Tasks do not travel here; Piscina carries those.
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
import type { AttemptOpening, ChatOutcome, ChatRequest, ModelTarget } from '../src/model/chat.ts';
import { Beacon } from './beacon.ts';
import type {
  OpenedAttempt,
  SqlCellOutcome,
  SqlCellQuery,
  WorkerHello,
  WorkerMessage,
} from './protocol.ts';

const HEARTBEAT_MS = 100;
/** Cancelled statements whose late chunks are still turned away. */
const CANCELLED_KEPT = 1_000;
/** Calls that go out are told of together: a message costs as much as reading an answer. */
const OPENED_AFTER_MS = 20;

type Reply = Extract<WorkerMessage, { id: number }>;

export class WorkerLink {
  readonly beacon = new Beacon();
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #controllers = new Map<number, AbortController>();
  readonly #cancelled = new Set<number>();
  readonly #onWarm: (target: ModelTarget, connections: number) => void;
  /** Calls that went out and that the main thread has not been told of. */
  readonly #opened = new Map<string, OpenedAttempt>();
  #openedTimer: NodeJS.Timeout | undefined;
  #utilizationBefore = performance.eventLoopUtilization();
  #nextId = 1;
  #attempts = 0;
  #cancelsHeard = 0;

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

  /** Books a model call that goes out and gives the id it is booked under. */
  openAttempt(statementId: number, opening: AttemptOpening): string {
    const attempt = `${threadId}.${++this.#attempts}`;
    this.#opened.set(attempt, { statementId, attempt, opening });
    this.#openedTimer ??= setTimeout(() => this.#tellOpened(), OPENED_AFTER_MS);
    return attempt;
  }

  /** The call has ended; its chunk says the rest. */
  closeAttempt(attempt: string): void {
    this.#opened.delete(attempt);
  }

  #tellOpened(): void {
    this.#openedTimer = undefined;
    if (this.#opened.size === 0) return;
    this.#port.postMessage({ kind: 'attempts', opened: [...this.#opened.values()] });
    this.#opened.clear();
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

  /** Takes in cancels that wait on the link: rows that await nothing leave no turn to hear them in. */
  hearCancels(): void {
    const { cancels } = this.beacon;
    if (cancels === this.#cancelsHeard) return;
    this.#cancelsHeard = cancels;
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#receive(received.message as WorkerMessage);
    }
  }

  /** The worker holds no chunk of the statement any more. */
  forget(statementId: number): void {
    this.#controllers.delete(statementId);
  }

  #beat(): void {
    const utilization = performance.eventLoopUtilization(this.#utilizationBefore);
    this.#utilizationBefore = performance.eventLoopUtilization();
    this.beacon.beat(getHeapStatistics().external_memory / 2 ** 20, utilization.utilization);
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
      if (this.#cancelled.size > CANCELLED_KEPT) {
        const [oldest] = this.#cancelled;
        this.#cancelled.delete(oldest!);
      }
      this.#controllers.get(message.statementId)?.abort();
      return;
    }
    if (message.kind === 'warm') {
      this.#onWarm(message.target, message.connections);
      return;
    }
    const resolve = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    resolve?.(message);
  }
}
