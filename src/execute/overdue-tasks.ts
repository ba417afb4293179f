/**
 * Gives up chunks whose answers do not come although the workers are well: somewhere a promise was lost. A worker
 * cannot report this, because no code of the chunk runs there any more.
 */
import type { ChunkOutcome, ChunkTask } from '../../workers/protocol.ts';
import { MAX_PARALLEL } from '../limits.ts';

/** A chunk is given up this long after the sum of its rows' time limits. Only time in which the workers are idle counts. */
const ANSWER_SLACK_MS = 2_000;

/** The error of a task that was given up. A late answer is ignored. */
export class TaskOverdue extends Error {
  /** Milliseconds that the task may take. */
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

interface OpenTask {
  readonly statementId: number;
  readonly limitMs: number;
  /** Milliseconds in which nothing explained why no answer came. */
  idleMs: number;
  readonly giveUp: (reason: TaskOverdue) => void;
}

export class OverdueTasks {
  readonly #open = new Set<OpenTask>();

  /**
   * Settles with the answer, or rejects with TaskOverdue. The rows run one after another, so the limit is the sum of
   * their time limits, and some slack.
   */
  race(task: ChunkTask, answer: Promise<ChunkOutcome>): Promise<ChunkOutcome> {
    return new Promise((resolve, reject) => {
      const limitMs = task.rowCount * task.settings.timeoutMs + ANSWER_SLACK_MS;
      const { statementId } = task;
      const open: OpenTask = { statementId, limitMs, idleMs: 0, giveUp: reject };
      this.#open.add(open);
      answer.then(
        (outcome) => {
          this.#open.delete(open);
          resolve(outcome);
        },
        (error: unknown) => {
          this.#open.delete(open);
          reject(error);
        },
      );
    });
  }

  /**
   * Counts `ms` in which the workers have run no code and their event loops have turned. `waits`: whether calls of
   * that statement wait for a permit; its tasks then do not become overdue.
   */
  pass(ms: number, waits: (statementId: number) => boolean): void {
    // With more open tasks than this, some have not begun.
    if (this.#open.size > MAX_PARALLEL) return;
    for (const task of this.#open) {
      if (waits(task.statementId)) continue;
      task.idleMs += ms;
      if (task.idleMs <= task.limitMs) continue;
      this.#open.delete(task);
      task.giveUp(new TaskOverdue(task.limitMs));
    }
  }
}
