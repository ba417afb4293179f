/** How the gate reckons: what its windows allow for, and how it slows down and recovers. */
import { MODEL_IDLE_MS } from '../../limits.ts';

/** A call that has not ended counts as arrived at its provider after this part of the window: 20 ms of a second. */
export const ARRIVAL_MARGIN = 0.02;
/** Before any has been answered, a call counts as arrived after this, or a window where that is shorter; … */
export const COLD_ARRIVAL_MS = 2_000;
/** … later one that has to open its connection, after the same or this part of the window. */
export const COLD_ARRIVAL_PART = 0.1;
/** What is left, at the next timer, of the lateness of the last ones, which is added to those margins. */
export const GATE_LAG_DECAY = 0.95;
/** Calls that arrive within this part of a window are kept as one, so that a window is at most 2,000 of them. */
export const WINDOW_GRAIN = 1 / 2_000;
/** Without a call for this long a provider is cold: its connections are closed, and a ramp begins anew. */
export const GATE_COLD_MS = MODEL_IDLE_MS;
/** A response's rate-limit headers are taken as of its call's arrival: at most this after its start. */
export const HEADERS_AFTER_MS = 250;
/** Calls that wait which are looked at each time for one that may overtake; a look takes some 5 ns. */
export const GATE_LOOK_AHEAD = 256;
/** Statements whose first call is no later at a place for those that overtake it; of more, those with the next turns. */
export const GATE_MAX_RESERVED = 16;
/** Models of a provider, or statements, whose state the gate keeps before it looks for idle ones to forget. */
export const GATE_MAX_IDLE = 256;
/** What a 429 leaves of the level at which it came. */
export const THROTTLE_FACTOR = 0.7;
/** From a 429 until that level is reached again; calls in flight and calls per second come back along a cubic. */
export const THROTTLE_RECOVERY_MS = 20_000;
/** A level so many times that of the last 429 is a level no more: after some 65 s without another. */
export const THROTTLE_FORGET = 4;
/** The wait after a 429 without Retry-After, at least; twice as much after each in a row. */
export const THROTTLE_PAUSE_MS = 500;
/** Part of a wait that is added at random, so that several processes do not come back together. */
export const THROTTLE_JITTER = 0.1;
/** A rate is taken from no shorter time than this. */
export const THROTTLE_MEASURE_MS = 500;
/** What is older than this counts half in a measured rate. */
export const THROTTLE_HORIZON_MS = 120_000;
/** Calls per second may be this far behind their even spacing: a timer's resolution. */
export const PACE_SLACK_MS = 4;
