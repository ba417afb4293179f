/**
 * What may overtake calls that wait (backfilling): only a call that fits now, and that fits beside the first that
 * each statement has waiting at the time at which that can go out. So room that is too small for a large call is
 * not lost while it waits, and it goes out when it would have anyway.
 *
 * Those times are reckoned from the calls that are known to have arrived. What a call turns out not to have taken
 * of its estimate can only bring them forward.
 */
import { GATE_MAX_RESERVED } from './gate-limits.ts';
import type { GateRequest } from './gate-request.ts';
import type { Tokens, WindowLimits } from './rolling-window.ts';

/** Something that counts calls against limits: a provider, a model, or a statement. */
export interface Place {
  isFree(nowMs: number, request: GateRequest): boolean;
  /** When the call may go out, at the earliest. */
  freeAt(nowMs: number, request: GateRequest): number;
  /** What one more call may take now and be in the way of none of those that wait here, in their order. */
  roomBeside(nowMs: number, waiting: readonly GateRequest[]): WindowLimits;
}

/** A call that waits, and all places where it is counted. */
export interface Waiting {
  readonly request: GateRequest;
  readonly places: readonly Place[];
}

interface Room {
  requests: number;
  inputTokens: number;
  outputTokens: number;
}

const NO_ROOM: Room = { requests: 0, inputTokens: 0, outputTokens: 0 };

/** Of the calls that wait. */
export class Reservations {
  /** By place, in the order of their turns; none where no other call can go out either, however small. */
  readonly #waiting = new Map<Place, Waiting[]>();
  /** By the place at which calls wait: what is left beside them, in each place where the first is counted. */
  readonly #rooms = new Map<Place, ReadonlyMap<Place, Room>>();

  has(at: Place): boolean {
    return this.#waiting.has(at);
  }

  /** A call waits at a place; gives whether to go on with further ones that do. */
  add(nowMs: number, at: Place, one: Waiting): boolean {
    let waiting = this.#waiting.get(at);
    if (waiting === undefined) {
      const least = { ...one.request, inputTokens: 0, outputTokens: 0 };
      waiting = at.isFree(nowMs, least) ? [one] : [];
      this.#waiting.set(at, waiting);
    } else if (waiting.length > 0 && waiting.length < GATE_MAX_RESERVED) waiting.push(one);
    return waiting.length > 0 && waiting.length < GATE_MAX_RESERVED;
  }

  /** Reckons what may overtake them; gives whether anything may. */
  reckon(nowMs: number): boolean {
    let isOpen = false;
    for (const [at, waiting] of this.#waiting) {
      const rooms = (waiting[0]?.places ?? [at]).map((place): [Place, Room] => {
        const here = waiting.filter(({ places }) => places.includes(place));
        const requests = here.map(({ request }) => request);
        return [place, requests.length === 0 ? NO_ROOM : { ...place.roomBeside(nowMs, requests) }];
      });
      this.#rooms.set(at, new Map(rooms));
      isOpen ||= rooms.every(([, { requests }]) => requests >= 1);
    }
    return isOpen;
  }

  /** The tokens of a call, counted in these places, for which none that waits is later; nothing where each is. */
  roomIn(places: readonly Place[]): Tokens | undefined {
    const least = { requests: Infinity, inputTokens: Infinity, outputTokens: Infinity };
    for (const at of places) {
      const rooms = this.#rooms.get(at);
      if (rooms === undefined) continue;
      for (const place of places) {
        const room = rooms.get(place);
        if (room === undefined) continue;
        least.requests = Math.min(least.requests, room.requests);
        least.inputTokens = Math.min(least.inputTokens, room.inputTokens);
        least.outputTokens = Math.min(least.outputTokens, room.outputTokens);
      }
    }
    return least.requests >= 1 ? least : undefined;
  }

  /** A call went out past them. */
  take({ inputTokens, outputTokens }: Tokens, places: readonly Place[]): void {
    for (const rooms of this.#rooms.values()) {
      for (const place of places) {
        const room = rooms.get(place);
        if (room === undefined || room === NO_ROOM) continue;
        room.requests -= 1;
        room.inputTokens -= inputTokens;
        room.outputTokens -= outputTokens;
      }
    }
  }
}
