/** The main thread's side of the links to the workers. It answers their requests and reads their beacons. */

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Beacon, type BeaconReading } from '../../workers/beacon.ts';
import type {
  ChunkOutcome,
  WorkerHello,
  WorkerMessage,
  WorkerRequest,
} from '../../workers/protocol.ts';
import { refused } from '../calls/refusals.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { CANCELLED, failureOf } from '../errors.ts';
import { STOPS_KEPT } from '../limits.ts';
import type { ChatOutcome, ModelTarget } from '../model/chat.ts';
import { socketShare } from '../model/socket-share.ts';
import type { CallDecision, SqlCellOutcome } from '../run/contract.ts';
import { dropOldest } from '../util/drop-oldest.ts';
import type { StatementHost } from './dispatcher.ts';

/** The number of dead workers' beacons that are kept, so that their lost chunks can be matched to a row. */
const DEAD_BEACONS_KEPT = 64;

type Decided = Extract<WorkerMessage, { readonly kind: 'decision' }>;

interface Link {
  readonly threadId: number;
  readonly port: MessagePort;
  readonly beacon: Beacon;
  /** Takes the outcomes of chunks. */
  readonly settle: (outcome: ChunkOutcome) => void;
  /** What was said in this turn of the event loop. */
  turn: WorkerMessage[];
}

export class WorkerLinks {
  readonly #links = new Map<number, Link>();
  readonly #dead: Beacon[] = [];
  readonly #hosts = new Map<number, StatementHost>();
  readonly #cancelled = new Set<number>();
  readonly #drained = new Set<number>();

  /** Takes a worker's first message, and tells the worker which statements were cancelled or drained while it started. */
  welcome(hello: WorkerHello, settle: (outcome: ChunkOutcome) => void): void {
    const { threadId, port } = hello;
    const link: Link = { threadId, port, beacon: new Beacon(hello.beacon), settle, turn: [] };
    this.#links.set(threadId, link);
    port.on('message', (turn: readonly WorkerRequest[]) => this.#receive(link, turn));
    post(link, { kind: 'sockets', share: socketShare.memory });
    port.on('close', () => {
      this.#links.delete(threadId);
      this.#dead.push(link.beacon);
      if (this.#dead.length > DEAD_BEACONS_KEPT) this.#dead.shift();
      afterPosted(() => {
        for (const host of this.#hosts.values()) host.threadLost(threadId);
      });
    });
    // The links alone must not keep the process alive.
    port.unref();
    for (const statementId of this.#drained) tellStop(link, { kind: 'drain', statementId });
    for (const statementId of this.#cancelled) tellStop(link, { kind: 'cancel', statementId });
  }

  openStatement(host: StatementHost): void {
    this.#hosts.set(host.statementId, host);
  }

  closeStatement(statementId: number): void {
    this.#hosts.delete(statementId);
  }

  /** Tells every worker, also workers that start later, to cancel the statement. */
  cancelStatement(statementId: number): void {
    this.#cancelled.add(statementId);
    dropOldest(this.#cancelled, STOPS_KEPT);
    for (const link of this.#links.values()) tellStop(link, { kind: 'cancel', statementId });
  }

  /** Whether the statement waits for the limiter, for its budget, or for the rows of a `for_each_row` cell. */
  waitsForPermit(statementId: number): boolean {
    return this.#hosts.get(statementId)?.waitsForPermit() === true;
  }

  /** Tells every worker, also workers that start later, to start no further row of the statement. */
  drainStatement(statementId: number): void {
    this.#drained.add(statementId);
    dropOldest(this.#drained, STOPS_KEPT);
    for (const link of this.#links.values()) tellStop(link, { kind: 'drain', statementId });
  }

  /** Reads the beacons of the workers that are up. */
  readings(): { readonly threadId: number; readonly reading: BeaconReading }[] {
    return [...this.#links.values()].map((link) => ({
      threadId: link.threadId,
      reading: link.beacon.read(),
    }));
  }

  /** Returns the row of the task that a worker, alive or dead, was in the middle of; undefined if none was. */
  suspectOf(taskId: number): number | undefined {
    const reading = this.#lastReading(taskId);
    return reading?.busy === true ? reading.row : undefined;
  }

  /** Whether this task was the last task that some worker, alive or dead, began. */
  wasBegun(taskId: number): boolean {
    return this.#lastReading(taskId) !== undefined;
  }

  #lastReading(taskId: number): BeaconReading | undefined {
    const beacons = [...this.#dead, ...[...this.#links.values()].map((link) => link.beacon)];
    return beacons.map((beacon) => beacon.read()).find((reading) => reading.taskId === taskId);
  }

  /**
   * Reads all messages that the worker has posted on its link so far. What the worker posts later on another port may
   * be read before them.
   */
  hear(threadId: number): void {
    const link = this.#links.get(threadId);
    if (link === undefined) return;
    for (;;) {
      const received = receiveMessageOnPort(link.port);
      if (received === undefined) return;
      this.#receive(link, received.message as readonly WorkerRequest[]);
    }
  }

  /** Returns the part of the time that a worker's event loop is busy, 0 to 1; 0 for a worker that is not up. */
  utilizationOf(threadId: number): number {
    return this.#links.get(threadId)?.beacon.read().utilization ?? 0;
  }

  /** Tells the worker that will make the first calls to load what calls to the target need. */
  warm(target: ModelTarget): void {
    const [first] = this.#links.values();
    if (first !== undefined) post(first, { kind: 'warm', target });
  }

  #receive(link: Link, turn: readonly WorkerRequest[]): void {
    for (const request of turn) this.#answer(link, request);
  }

  #answer(link: Link, request: WorkerRequest): void {
    const reply = (message: WorkerMessage) => this.#tell(link, message);
    switch (request.kind) {
      case 'cascade':
        reply({ kind: 'cascade', id: request.id, cascade: this.#cascade(request.hash) });
        return;
      case 'sql':
        void this.#sql(request).then((outcome) => reply({ kind: 'sql', id: request.id, outcome }));
        return;
      case 'chat':
        void this.#chat(request).then((outcome) =>
          reply({ kind: 'chat', id: request.id, outcome }),
        );
        return;
      case 'ended':
        this.#hosts.get(request.statementId)?.attemptsEnded(request.ended);
        return;
      case 'call':
        this.#decide(link, request);
        return;
      case 'outcome':
        link.settle(request.outcome);
        return;
      case 'find': {
        const { id, statementId, lookUp } = request;
        reply({ kind: 'find', id, texts: this.#hosts.get(statementId)?.find(lookUp) ?? [] });
        return;
      }
    }
  }

  #decide(
    link: Link,
    { id, statementId, request }: Extract<WorkerRequest, { kind: 'call' }>,
  ): void {
    const host = this.#hosts.get(statementId);
    const made = host?.decide(link.threadId, request) ?? refused(CANCELLED);
    const tell = (decision: CallDecision) =>
      this.#tell(link, { kind: 'decision', id, statementId, decision });
    if (made instanceof Promise) void made.then(tell);
    else tell(made);
  }

  #tell(link: Link, message: WorkerMessage): void {
    link.turn.push(message);
    if (link.turn.length > 1) return;
    setImmediate(() => {
      const { turn } = link;
      link.turn = [];
      post(link, ...turn.map((one) => (one.kind === 'decision' ? this.#beforeCall(one) : one)));
    });
  }

  /** Writes the start record of a permitted call at the last moment. If that fails, the call is refused. */
  #beforeCall(decided: Decided): Decided {
    const { statementId, decision } = decided;
    const host = this.#hosts.get(statementId);
    if (decision.kind !== 'go' || host === undefined) return decided;
    const error = host.writeStarts();
    if (error === undefined) return decided;
    const report = { durationMs: 0, outcome: 'not_sent' } as const;
    host.attemptsEnded([{ attempt: decision.attempt, report }]);
    return { ...decided, decision: refused(error) };
  }

  async #chat(request: Extract<WorkerRequest, { kind: 'chat' }>): Promise<ChatOutcome> {
    const host = this.#hosts.get(request.statementId);
    if (host !== undefined) return host.chat(request.request, request.timeoutMs);
    return { ok: false, error: CANCELLED, retryable: false };
  }

  #cascade(hash: string): Cascade | null {
    for (const host of this.#hosts.values()) if (host.cascade.hash === hash) return host.cascade;
    return null;
  }

  async #sql(request: Extract<WorkerRequest, { kind: 'sql' }>): Promise<SqlCellOutcome> {
    const host = this.#hosts.get(request.statementId);
    if (host === undefined) {
      return { ok: false, error: CANCELLED };
    }
    try {
      return await host.runSql(request.query);
    } catch (thrown) {
      return { ok: false, error: failureOf(thrown, 'RVB_SQL') };
    }
  }
}

/**
 * Runs `work` once all messages are read that a worker posted before it closed its link. A chunk that the worker
 * settled brings paid answers and comes on another port. Its messages there are read by the end of the event loop's
 * next turn.
 */
function afterPosted(work: () => void): void {
  setImmediate(() => setImmediate(work));
}

function post(link: Link, ...messages: WorkerMessage[]): void {
  link.port.postMessage(messages);
}

/** Posts the message first, because a worker that sees the announcement looks for the message at once. */
function tellStop(link: Link, message: WorkerMessage): void {
  post(link, message);
  link.beacon.announceStop();
}
