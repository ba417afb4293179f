/**
 * What a model's refusals (429, or 503 and 529 with Retry-After) teach: to wait, and to send less.
 *
 * A refusal among many answers is the matter of its own call, which its retry makes again. Where more of the
 * latest calls are refused, all calls wait for Retry-After, and less is sent afterwards.
 *
 * A server that allows five calls in flight and one that allows ten a second refuse alike. The first
 * refusals are put down to the calls in flight; where there were fewer of them than have gone well before,
 * to the rate. The refusals of one burst are one event, and each of them corrects its figures.
 */
import { RETRY_AFTER_MAX_MS } from '../../limits.ts';
import { GATE_COLD_MS } from './meter.ts';

/** The part of the latest calls that may be refused before the others wait for it. */
const THROTTLE_SHARE = 0.1;
/** The latest calls are about so many: each counts a thirtieth less with every call that ends after it. */
const THROTTLE_MEMORY = 30;
/** What an event leaves of the level at which it came. */
const THROTTLE_FACTOR = 0.7;
/** From an event until that level is reached again; calls in flight and calls per second come back along a cubic. */
const THROTTLE_RECOVERY_MS = 20_000;
/** A level so many times that of the last event is a level no more: after some 65 s without another. */
const THROTTLE_FORGET = 4;
/** The wait after a refusal without Retry-After, at least; twice as much after each event in a row. */
const THROTTLE_PAUSE_MS = 500;
/** Part of a wait that is added at random, so that several processes do not come back together. */
const THROTTLE_JITTER = 0.1;
/** A rate is taken from no shorter time than this, … */
const THROTTLE_MEASURE_MS = 500;
/** … and from no fewer calls than this, since the gaps between a few are mostly their holds. */
const THROTTLE_MEASURE_CALLS = 8;
/** A longer gap between two calls is a hold, or there was nothing to send: it is no part of a measured rate. */
const THROTTLE_GAP_MS = 1_200;
/** What is older than this counts half in a measured rate; a pause as long says that the latest calls are too old. */
const THROTTLE_HORIZON_MS = 120_000;
/** Calls per second may be this far behind their even spacing: a timer's resolution. */
const PACE_SLACK_MS = 4;

/** Uniform in [0, 1). */
export type Random = () => number;

export class Throttle {
  readonly #random: Random;
  readonly #calls = new RecoveringLimit();
  readonly #perSecond = new RecoveringLimit();
  #pausedUntilMs = -Infinity;
  /** When the next call may follow, at the learnt rate. */
  #nextMs = -Infinity;
  /** The last event; the calls of an earlier start belong to it. */
  #eventMs = -Infinity;
  #jitter = 0;
  /** Which limit the last event lowered, and from which figures. */
  #lowered: 'calls' | 'rate' | 'none' = 'none';
  #accepted = 0;
  #seconds = 1;
  #lastMs = -Infinity;
  /** Calls since the rate is measured that were not refused, and the time in which they were sent. */
  #sent = 0;
  #busyMs = 0;
  #measuredFromMs = -Infinity;
  /** Calls since the last event that were answered. */
  #answered = 0;
  /** Events in a row without an answer in between. */
  #fruitless = 0;
  /** The latest calls that have ended, and those of them that were refused. */
  #ended = 0;
  #refused = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** When one more call may go out beside `inFlight`. */
  freeAt(nowMs: number, inFlight: number): number {
    let atMs = Math.max(nowMs, this.#pausedUntilMs);
    if (inFlight >= this.#callsAt(nowMs)) {
      // A call must end first, or time must pass: not before the next millisecond, whatever the rounding.
      atMs = Math.max(atMs, nowMs + 1, this.#calls.reachesAt(inFlight + 1));
    }
    return this.#perSecond.at(nowMs) === Infinity ? atMs : Math.max(atMs, this.#nextMs);
  }

  /** Milliseconds for which all calls are held. */
  heldMs(nowMs: number): number {
    return Math.max(0, this.#pausedUntilMs - nowMs);
  }

  /** Calls that may be in flight. Where a whole burst was refused its size says nothing: each answer admits one more. */
  #callsAt(nowMs: number): number {
    const calls = Math.max(1, Math.floor(this.#calls.at(nowMs)));
    return this.#calls.ceiling > 1 ? calls : Math.max(calls, 1 + this.#answered);
  }

  /** A call goes out; gives the time by which it puts off the next one, in ms. */
  enter(nowMs: number): number {
    const gapMs = nowMs - this.#lastMs;
    if (gapMs >= THROTTLE_HORIZON_MS) {
      this.#ended = 0;
      this.#refused = 0;
    }
    if (nowMs - Math.max(this.#lastMs, this.#pausedUntilMs) >= GATE_COLD_MS) {
      this.#sent = 0;
      this.#busyMs = 0;
      this.#measuredFromMs = nowMs;
    } else if (gapMs <= THROTTLE_GAP_MS) this.#busyMs += gapMs;
    if (this.#busyMs > THROTTLE_HORIZON_MS) {
      this.#busyMs /= 2;
      this.#sent /= 2;
    }
    this.#lastMs = nowMs;
    this.#sent += 1;
    const perSecond = this.#perSecond.at(nowMs);
    const paceMs = 1_000 / perSecond;
    if (paceMs > 0) this.#nextMs = Math.max(this.#nextMs, nowMs - PACE_SLACK_MS) + paceMs;
    return paceMs;
  }

  /** A call that put off the next one by `paceMs` never went out. */
  undo(paceMs: number): void {
    this.#sent = Math.max(0, this.#sent - 1);
    this.#nextMs -= paceMs;
  }

  /** A call that started at `startMs` was answered. */
  answered(startMs: number): void {
    this.#count(0);
    if (startMs <= this.#eventMs) return;
    this.#answered += 1;
    this.#fruitless = 0;
  }

  /** A call that started at `startMs` was refused; `inFlight` counts it. */
  refused(nowMs: number, startMs: number, inFlight: number, retryAfterMs?: number): void {
    this.#count(1);
    if (startMs >= this.#measuredFromMs) this.#sent -= 1;
    if (startMs > this.#eventMs) {
      if (this.#refused <= THROTTLE_SHARE * this.#ended) return;
      this.#begin(nowMs, inFlight);
    } else this.#correct(nowMs);
    const waitMs = retryAfterMs ?? THROTTLE_PAUSE_MS * 2 ** this.#fruitless;
    // Without a word of the provider the wait is a guess, and is spread over twice its length.
    const jitter = retryAfterMs === undefined ? this.#jitter : this.#jitter * THROTTLE_JITTER;
    const pauseMs = Math.min(RETRY_AFTER_MAX_MS, waitMs) * (1 + jitter);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + pauseMs);
  }

  /** Whether nothing would be lost with it. */
  isIdle(nowMs: number): boolean {
    return (
      nowMs >= this.#pausedUntilMs &&
      this.#calls.at(nowMs) === Infinity &&
      this.#perSecond.at(nowMs) === Infinity
    );
  }

  /** One more call has ended; 1 where it was refused. */
  #count(refused: 0 | 1): void {
    const kept = 1 - 1 / THROTTLE_MEMORY;
    this.#ended = this.#ended * kept + 1;
    this.#refused = this.#refused * kept + refused;
  }

  #begin(nowMs: number, inFlight: number): void {
    this.#jitter = this.#random();
    if (this.#answered === 0 && this.#lowered !== 'none') {
      this.#fruitless = Math.min(this.#fruitless + 1, 16);
    }
    const isMeasured = this.#busyMs >= THROTTLE_MEASURE_MS && this.#sent >= THROTTLE_MEASURE_CALLS;
    const wentWell = inFlight < this.#calls.ceiling && this.#calls.ceiling !== Infinity;
    const isRate = wentWell || inFlight <= 1;
    if (isRate && isMeasured) {
      // Where nothing was answered since the last event, its wait was too short; that says nothing of the rate.
      this.#lowered = 'rate';
      this.#accepted = this.#sent;
      this.#seconds = this.#busyMs / 1_000;
      if (this.#answered > 0) this.#perSecond.drop(this.#accepted / this.#seconds, nowMs);
    } else {
      this.#lowered = 'calls';
      this.#calls.drop(inFlight, nowMs);
    }
    if (isMeasured || !isRate) {
      this.#sent = 0;
      this.#busyMs = 0;
      this.#measuredFromMs = nowMs;
    }
    this.#eventMs = nowMs;
    this.#answered = 0;
  }

  /** One more refusal of the burst: so many fewer were accepted. */
  #correct(nowMs: number): void {
    if (this.#lowered === 'calls') {
      this.#calls.ceiling = Math.max(1, this.#calls.ceiling - 1);
    } else if (this.#perSecond.ceiling !== Infinity && this.#accepted > 1) {
      this.#accepted -= 1;
      this.#perSecond.drop(this.#accepted / this.#seconds, nowMs);
    }
  }
}

/**
 * A limit that a refusal sets and time lifts. After a refusal at some level the limit is 70 % of it, comes back to
 * it along a cubic (fast, then flat: most of the time is spent just below what was refused), goes beyond it, and is
 * forgotten.
 */
class RecoveringLimit {
  /** The lowest level that is known to be refused. */
  ceiling = Number.POSITIVE_INFINITY;
  #sinceMs = 0;

  /** A refusal at `level`. */
  drop(level: number, nowMs: number): void {
    this.ceiling = level;
    this.#sinceMs = nowMs;
  }

  at(nowMs: number): number {
    if (this.ceiling === Number.POSITIVE_INFINITY) return this.ceiling;
    const part = (nowMs - this.#sinceMs) / THROTTLE_RECOVERY_MS - 1;
    const level = 1 + (1 - THROTTLE_FACTOR) * part ** 3;
    if (level > THROTTLE_FORGET) this.ceiling = Number.POSITIVE_INFINITY;
    return this.ceiling * level;
  }

  /** When the limit will be `level`. */
  reachesAt(level: number): number {
    const part = Math.cbrt((level / this.ceiling - 1) / (1 - THROTTLE_FACTOR));
    return this.#sinceMs + (part + 1) * THROTTLE_RECOVERY_MS;
  }
}
