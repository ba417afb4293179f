/**
 * Learns from a model's refusals (429, or 503 and 529 with Retry-After) to wait and to send less.
 *
 * A single refusal among many answers concerns only its own call, which is retried. If a larger share of the latest
 * calls is refused, all calls wait for Retry-After, and fewer calls are sent afterwards.
 *
 * The refusals of a server that allows five calls in flight look like those of a server that allows ten calls per
 * second. The first refusals are attributed to the number of calls in flight. If fewer calls were in flight than the
 * server has accepted before, the refusals are attributed to the rate. All refusals of a burst are one event, and each
 * of them corrects the event's figures.
 */
import { RETRY_AFTER_MAX_MS } from '../../limits.ts';
import { GATE_COLD_MS } from './meter.ts';

/** If at most this share of the latest calls is refused, the other calls do not wait. */
const THROTTLE_SHARE = 0.1;
/** The number of latest calls that count: a call's weight shrinks by a thirtieth with each call that ends later. */
const THROTTLE_MEMORY = 30;
/** The share of the refused level that is allowed right after an event. */
const THROTTLE_FACTOR = 0.7;
/** The time after an event until the refused level is allowed again. The limits recover along a cubic. */
const THROTTLE_RECOVERY_MS = 20_000;
/** At this multiple of the refused level a limit is dropped: about 65 s after the last event. */
const THROTTLE_FORGET = 4;
/** The shortest wait after a refusal without Retry-After. It doubles with each consecutive event without an answer. */
const THROTTLE_PAUSE_MS = 500;
/** The largest share of a Retry-After wait that is added at random, so that processes do not resume together. */
const THROTTLE_JITTER = 0.1;
/** A rate is measured over at least this time. */
const THROTTLE_MEASURE_MS = 500;
/** A rate is measured over at least this many calls, because the gaps between fewer calls are mostly their waits. */
const THROTTLE_MEASURE_CALLS = 8;
/** A longer gap between two calls is a wait or idle time, so it is not part of a measured rate. */
const THROTTLE_GAP_MS = 1_200;
/**
 * Beyond this much sending time the figures of a measured rate are halved, so that older calls count less. After a
 * pause of this length, earlier calls no longer count as the latest calls.
 */
const THROTTLE_HORIZON_MS = 120_000;
/** Calls may be late by this much, a timer's resolution, without delaying the calls after them. */
const PACE_SLACK_MS = 4;

/** Returns a random number, uniform in [0, 1). */
export type Random = () => number;

/** The learned limits of one model: calls in flight, and calls per second. */
export class Throttle {
  readonly #random: Random;
  readonly #calls = new RecoveringLimit();
  readonly #perSecond = new RecoveringLimit();
  #pausedUntilMs = -Infinity;
  /** The earliest time of the next call at the learned rate. */
  #nextMs = -Infinity;
  /** The time of the last event. Refusals of calls that started earlier belong to that event. */
  #eventMs = -Infinity;
  #jitter = 0;
  /** Which limit the last event lowered. `#accepted` calls in `#seconds` are the rate that it measured. */
  #lowered: 'calls' | 'rate' | 'none' = 'none';
  #accepted = 0;
  #seconds = 1;
  #lastMs = -Infinity;
  /** Calls since `#measuredFromMs` that were not refused. They were sent within `#busyMs` of sending time. */
  #sent = 0;
  #busyMs = 0;
  #measuredFromMs = -Infinity;
  /** The number of answered calls since the last event. */
  #answered = 0;
  /** The number of consecutive events without an answer between them. */
  #fruitless = 0;
  /** The weighted number of latest calls that ended; `#refused` is the number of refused ones among them. */
  #ended = 0;
  #refused = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Returns when one more call may go out while `inFlight` calls are in flight. */
  freeAt(nowMs: number, inFlight: number): number {
    let atMs = Math.max(nowMs, this.#pausedUntilMs);
    if (inFlight >= this.#callsAt(nowMs)) {
      // A call must end, or the limit must recover. The result is at least a millisecond ahead, despite rounding.
      atMs = Math.max(atMs, nowMs + 1, this.#calls.reachesAt(inFlight + 1));
    }
    return this.#perSecond.at(nowMs) === Infinity ? atMs : Math.max(atMs, this.#nextMs);
  }

  /** Returns for how many milliseconds all calls are held. */
  heldMs(nowMs: number): number {
    return Math.max(0, this.#pausedUntilMs - nowMs);
  }

  /**
   * Returns how many calls may be in flight. If a whole burst was refused (`ceiling` 1), its size says nothing about
   * the limit, so each answer admits one more call.
   */
  #callsAt(nowMs: number): number {
    const calls = Math.max(1, Math.floor(this.#calls.at(nowMs)));
    return this.#calls.ceiling > 1 ? calls : Math.max(calls, 1 + this.#answered);
  }

  /** A call goes out. Returns by how many milliseconds it delays the next call. */
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

  /** A call that delayed the next call by `paceMs` never went out. */
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

  /** A call that started at `startMs` was refused. `inFlight` includes this call. */
  refused(nowMs: number, startMs: number, inFlight: number, retryAfterMs?: number): void {
    this.#count(1);
    if (startMs >= this.#measuredFromMs) this.#sent -= 1;
    if (startMs > this.#eventMs) {
      if (this.#refused <= THROTTLE_SHARE * this.#ended) return;
      this.#begin(nowMs, inFlight);
    } else this.#correct(nowMs);
    const waitMs = retryAfterMs ?? THROTTLE_PAUSE_MS * 2 ** this.#fruitless;
    // Without Retry-After the wait is a guess. A random part of up to its own length is added to it.
    const jitter = retryAfterMs === undefined ? this.#jitter : this.#jitter * THROTTLE_JITTER;
    const pauseMs = Math.min(RETRY_AFTER_MAX_MS, waitMs) * (1 + jitter);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + pauseMs);
  }

  /** True if this state holds no wait and no limit, so that it can be dropped. */
  isIdle(nowMs: number): boolean {
    return (
      nowMs >= this.#pausedUntilMs &&
      this.#calls.at(nowMs) === Infinity &&
      this.#perSecond.at(nowMs) === Infinity
    );
  }

  /** Counts a call that ended: 1 if it was refused, else 0. */
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
      // If no call was answered since the last event, its wait was too short. That says nothing about the rate.
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

  /** Corrects the last event's figures for one more refusal of its burst. */
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
 * A limit that a refusal sets and time lifts. After a refusal at some level the limit is 70 % of that level. It returns
 * to the level along a cubic, first fast and then slowly, so that most of the time is spent just below the refused
 * level. Then it grows beyond the level and is dropped.
 */
class RecoveringLimit {
  /** The refused level; Infinity without a limit. */
  ceiling = Number.POSITIVE_INFINITY;
  #sinceMs = 0;

  /** Sets the limit after a refusal at `level`. */
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

  /** Returns when the limit reaches `level`. */
  reachesAt(level: number): number {
    const part = Math.cbrt((level / this.ceiling - 1) / (1 - THROTTLE_FACTOR));
    return this.#sinceMs + (part + 1) * THROTTLE_RECOVERY_MS;
  }
}
