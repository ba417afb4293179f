/** The main thread's ends of the workers' links: answers their requests, reads their beacons. */

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Beacon, type BeaconReading } from '../../workers/beacon.ts';
import type {
  AskedCall,
  DecidedCall,
  WorkerHello,
  WorkerMessage,
  WorkerRequest,
} from '../../workers/protocol.ts';
import { refused } from '../calls/refusals.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { CANCELLED, failureOf } from '../errors.ts';
import { GATHER_MAX_CHUNKS, STOPS_KEPT } from '../limits.ts';
import type { ChatOutcome, ModelTarget } from '../model/chat.ts';
import type { SqlCellOutcome } from '../run/contract.ts';
import { dropOldest } from '../util/drop-oldest.ts';
import type { StatementHost } from './dispatcher.ts';

/** Beacons of dead workers that are kept, so that their lost chunks can be matched to a row. */
const DEAD_BEACONS_KEPT = 64;

interface Decided extends DecidedCall {
  readonly statementId: number;
}

interface Link {
  readonly threadId: number;
  readonly port: MessagePort;
  readonly beacon: Beacon;
  /** Decisions to be told in one message: each wakes the worker. */
  decisions: Decided[];
}

export class WorkerLinks {
  readonly #links = new Map<number, Link>();
  readonly #dead: Beacon[] = [];
  readonly #hosts = new Map<number, StatementHost>();
  readonly #cancelled = new Set<number>();
  readonly #drained = new Set<number>();

  /** Takes a worker's first word, and tells it of what was cancelled or drained while it started. */
  welcome(hello: WorkerHello): void {
    const { threadId, port } = hello;
    const link: Link = { threadId, port, beacon: new Beacon(hello.beacon), decisions: [] };
    this.#links.set(hello.threadId, link);
    hello.port.on('message', (request: WorkerRequest) => this.#answer(link, request));
    hello.port.on('close', () => {
      this.#links.delete(hello.threadId);
      this.#dead.push(link.beacon);
      if (this.#dead.length > DEAD_BEACONS_KEPT) this.#dead.shift();
      afterPosted(() => {
        for (const host of this.#hosts.values()) host.threadLost(threadId);
      });
    });
    // The links alone must not keep the process alive.
    hello.port.unref();
    for (const statementId of this.#drained) tellStop(link, { kind: 'drain', statementId });
    for (const statementId of this.#cancelled) tellStop(link, { kind: 'cancel', statementId });
  }

  openStatement(host: StatementHost): void {
    this.#hosts.set(host.statementId, host);
  }

  closeStatement(statementId: number): void {
    this.#hosts.delete(statementId);
  }

  /** Tells every worker, those that are still to come included. */
  cancelStatement(statementId: number): void {
    this.#cancelled.add(statementId);
    dropOldest(this.#cancelled, STOPS_KEPT);
    for (const link of this.#links.values()) tellStop(link, { kind: 'cancel', statementId });
  }

  /** Calls of the statement wait for the limiter or the budget. */
  waitsForPermit(statementId: number): boolean {
    return this.#hosts.get(statementId)?.waitsForPermit() === true;
  }

  /** Tells every worker, those that are still to come included, that no further row of the statement is to start. */
  drainStatement(statementId: number): void {
    this.#drained.add(statementId);
    dropOldest(this.#drained, STOPS_KEPT);
    for (const link of this.#links.values()) tellStop(link, { kind: 'drain', statementId });
  }

  /** The beacons of the workers that are up. */
  readings(): { readonly threadId: number; readonly reading: BeaconReading }[] {
    return [...this.#links.values()].map((link) => ({
      threadId: link.threadId,
      reading: link.beacon.read(),
    }));
  }

  /** The row of the task that a worker was in the middle of, if any worker, alive or dead, was. */
  suspectOf(taskId: number): number | undefined {
    const reading = this.#lastReading(taskId);
    return reading?.busy === true ? reading.row : undefined;
  }

  /** Whether this task was the last that some worker, alive or dead, began with. */
  wasBegun(taskId: number): boolean {
    return this.#lastReading(taskId) !== undefined;
  }

  #lastReading(taskId: number): BeaconReading | undefined {
    const beacons = [...this.#dead, ...[...this.#links.values()].map((link) => link.beacon)];
    return beacons.map((beacon) => beacon.read()).find((reading) => reading.taskId === taskId);
  }

  /** Takes in what the worker has said so far: what it posts on another port afterwards may be read before it. */
  hear(threadId: number): void {
    const link = this.#links.get(threadId);
    if (link === undefined) return;
    for (;;) {
      const received = receiveMessageOnPort(link.port);
      if (received === undefined) return;
      this.#answer(link, received.message as WorkerRequest);
    }
  }

  /** Part of the time that a worker's event loop is busy; 0 for one that is not up. */
  utilizationOf(threadId: number): number {
    return this.#links.get(threadId)?.beacon.read().utilization ?? 0;
  }

  /** Has connections opened where the first calls will be made: on one worker after another. */
  warm(target: ModelTarget, connections: number): void {
    let left = connections;
    for (const { port } of this.#links.values()) {
      if (left <= 0) return;
      const share = Math.min(left, GATHER_MAX_CHUNKS);
      const message: WorkerMessage = { kind: 'warm', target, connections: share };
      port.postMessage(message);
      left -= share;
    }
  }

  #answer(link: Link, request: WorkerRequest): void {
    const { port } = link;
    const reply = (message: WorkerMessage) => port.postMessage(message);
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
      case 'calls':
        for (const { statementId, ended } of request.ended) {
          this.#hosts.get(statementId)?.attemptsEnded(ended);
        }
        for (const call of request.asked) this.#decide(link, call);
        return;
      case 'find': {
        const { id, statementId, lookUp } = request;
        reply({ kind: 'find', id, texts: this.#hosts.get(statementId)?.find(lookUp) ?? [] });
        return;
      }
    }
  }

  #decide(link: Link, { id, statementId, request }: AskedCall): void {
    const host = this.#hosts.get(statementId);
    const decision = host?.decide(link.threadId, request) ?? refused(CANCELLED);
    if (decision instanceof Promise) {
      void decision.then((decided) => this.#tell(link, { id, statementId, decision: decided }));
    } else {
      this.#tell(link, { id, statementId, decision });
    }
  }

  #tell(link: Link, decided: Decided): void {
    if (link.decisions.length === 0) {
      setImmediate(() => {
        const decisions = link.decisions.map((one) => this.#beforeCall(one));
        link.decisions = [];
        const message: WorkerMessage = { kind: 'decisions', decisions };
        link.port.postMessage(message);
      });
    }
    link.decisions.push(decided);
  }

  /** A call that may go out does so only if its statement agrees at the last moment. */
  #beforeCall({ id, statementId, decision }: Decided): DecidedCall {
    const host = this.#hosts.get(statementId);
    if (decision.kind !== 'go' || host === undefined) return { id, decision };
    const error = host.writeStarts();
    if (error === undefined) return { id, decision };
    const report = { durationMs: 0, outcome: 'not_sent' } as const;
    host.attemptsEnded([{ attempt: decision.attempt, report }]);
    return { id, decision: { kind: 'refused', error } };
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
 * Once all has been read that a worker had posted before it closed its link: a chunk that it settled brings answers
 * that were paid for, and comes on another port. What lay there by now is read by the end of the loop's next turn.
 */
function afterPosted(work: () => void): void {
  setImmediate(() => setImmediate(work));
}

/** The message first: a worker that sees the announcement looks for it at once. */
function tellStop(link: Link, message: WorkerMessage): void {
  link.port.postMessage(message);
  link.beacon.announceStop();
}
