/** A call in flight that several questions share. Each of them has an attempt of its own. */
import type { AttemptReport, CallPart } from '../model/chat.ts';
import { PROMPT_TOO_LONG } from '../model/provider-error.ts';

/** The state of a shared call. */
export class OpenShared {
  readonly of: number;
  /** True for the half of a call that was cut in two. */
  readonly isHalf: boolean;
  /** The attempt of the first question, which stands for the call; '' until it is named. */
  call = '';
  /** The lane of the call; 0 until it has one. */
  lane = 0;
  /** The number of questions without an outcome. */
  open = 0;
  /** True once the permit and the reservation are settled. */
  isSettled = false;
  missing = 0;
  /** True if the prompt or the answer did not fit, or the answer could not be read. */
  isUseless = false;
  outputTokens = 0;
  readonly #onOutcome: () => void;
  readonly #onEnd: (call: OpenShared) => void;

  constructor(
    of: number,
    isHalf: boolean,
    on: { readonly outcome: () => void; readonly end: (call: OpenShared) => void },
  ) {
    this.of = of;
    this.isHalf = isHalf;
    this.#onOutcome = on.outcome;
    this.#onEnd = on.end;
  }

  /** Takes the outcome of one question. Returns true if it is the one with which permit and reservation are settled. */
  end(report: AttemptReport): boolean {
    this.open -= 1;
    const { part, again, usage, outcome } = report;
    if (outcome !== 'ok') this.missing += 1;
    if (again === 'half' && (usage !== undefined || isTooLong(report))) this.isUseless = true;
    if (usage !== undefined) this.outputTokens = usage.outputTokens;
    // A question whose time is over ends before the call.
    const settles = !this.isSettled && (part !== undefined || this.open === 0);
    if (settles) {
      this.isSettled = true;
      this.#onOutcome();
    }
    if (this.open === 0) this.#onEnd(this);
    return settles;
  }
}

/** Returns the part of a whole number that belongs to one question. The parts of all questions add up to the number. */
export function partOf(total: number, part: CallPart | undefined): number {
  if (part === undefined) return total;
  const { index, of } = part;
  return Math.floor((total * (index + 1)) / of) - Math.floor((total * index) / of);
}

/** True if the prompt or the answer did not fit. */
function isTooLong({ status, error }: AttemptReport): boolean {
  const fits = status !== 413 && error?.code !== 'RVB_MODEL_TRUNCATED';
  return !fits || error?.message.includes(PROMPT_TOO_LONG) === true;
}
