/** Cascades run in this thread, their model a script of answers that keeps what it was asked. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCascadeText } from '../../src/cascade/load-cascade.ts';
import type { ErrorCode } from '../../src/error-codes.ts';
import type { ChatOutcome, ChatRequest } from '../../src/model/chat.ts';
import { compileCascade } from '../../src/run/compile-cascade.ts';
import type { RunOutcome, SqlCellOutcome, SqlCellQuery } from '../../src/run/contract.ts';
import { runCascade } from '../../src/run/run-cascade.ts';
import type { JsonObject } from '../../src/util/json.ts';

/** An answer's text, or a call that fails. */
export type Answer = string | { readonly fails: ErrorCode };

export interface Scene {
  readonly input?: JsonObject;
  /** One a call, the last again and again. */
  readonly answers?: readonly Answer[];
  /** Cascades that the text names. */
  readonly files?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly sql?: (query: SqlCellQuery) => Promise<SqlCellOutcome>;
  readonly onCall?: (call: number) => void;
}

export interface Played {
  readonly outcome: RunOutcome;
  readonly asked: readonly ChatRequest[];
}

/** Runs a cascade once. */
export async function play(text: string, scene: Scene = {}): Promise<Played> {
  const { input = {}, answers = ['?'], files = {}, timeoutMs = 10_000 } = scene;
  const root = mkdtempSync(join(tmpdir(), 'rvbbit-guards-'));
  const asked: ChatRequest[] = [];
  try {
    for (const [name, body] of Object.entries(files)) writeFileSync(join(root, name), body);
    const outcome = await runCascade(compileCascade(await loadCascadeText(text, { root })), input, {
      settings: { kind: 'map', timeoutMs, keepOutputs: false },
      signal: scene.signal ?? new AbortController().signal,
      runSql:
        scene.sql ??
        (async () => ({ ok: false, error: { code: 'RVB_SQL', message: 'there is no database' } })),
      modelTarget: () => ({ kind: 'function', model: 'script' }),
      chat: async (_, request) => {
        asked.push(request);
        scene.onCall?.(asked.length);
        return outcomeOf(answers[Math.min(asked.length, answers.length) - 1]!);
      },
      requestCall: async ({ n }) => ({ kind: 'go', attempt: String(n) }),
      endCall: () => {},
      nowMs: () => performance.now(),
    });
    return { outcome, asked };
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** The value, or the failure as a text. */
export function told({ outcome }: Played): unknown {
  if (outcome.kind === 'ok') return outcome.value;
  return outcome.kind === 'failed'
    ? `${outcome.error.code} ${outcome.error.message}`
    : outcome.kind;
}

/** As `told`, as a text. */
export function why(played: Played): string {
  return String(told(played));
}

function outcomeOf(answer: Answer): ChatOutcome {
  if (typeof answer === 'string') {
    return { ok: true, response: { text: answer, finishReason: 'stop' } };
  }
  return { ok: false, error: { code: answer.fails, message: 'as scripted' }, retryable: false };
}
