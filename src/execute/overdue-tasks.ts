/**
 * Chunks whose answers do not come although the workers are well: somewhere a promise was lost. A worker
 * cannot tell of it, because nothing of the chunk runs there any more.
 */
import type { ChunkOutcome, ChunkTask } from '../../workers/protocol.ts';
import { MAX_PARALLEL } from '../limits.ts';

/** A chunk whose rows have had their time is given up after this, while nothing runs in the workers. */
const ANSWER_SLACK_MS = 2_000;

/** What a task ends with that is given up; a late answer is not looked at. */
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
  /** Time without anything that would explain why no answer comes. */
  idleMs: number;
  readonly giveUp: (reason: TaskOverdue) => void;
}

export class OverdueTasks {
  readonly #open = new Set<OpenTask>();

  /** The answer, or TaskOverdue. The rows run one after another: each has its time, and all of them some slack. */
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
   * For `ms` the workers have run no code and their event loops have turned. `waits`: calls of that
   * statement wait for leave, and the rows that wait have all the time that this takes.
   */
  pass(ms: number, waits: (statementId: number) => boolean): void {
    // Some have not been begun.
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
