/**
 * What may overtake calls that wait (backfilling): only a call that fits now, and that fits beside the one that
 * waits at the time at which that can go out. So room that is too small for a large call is not lost while it
 * waits, and it goes out when it would have anyway.
 *
 * That time is reckoned from the calls that are known to have arrived. What a call turns out not to have taken
 * of its estimate can only bring it forward.
 */
import type { GateRequest } from './gate-request.ts';
import type { Tokens, WindowLimits } from './rolling-window.ts';

/** Something that counts calls against limits: a provider, a model, or a statement. */
export interface Place {
  isFree(nowMs: number, request: GateRequest): boolean;
  /** When the call may go out, at the earliest. */
  freeAt(nowMs: number, request: GateRequest): number;
  /** What is free at a later time beside the call, if all that is in flight still is. */
  roomAt(nowMs: number, atMs: number, request: GateRequest): WindowLimits;
}

interface Room {
  requests: number;
  inputTokens: number;
  outputTokens: number;
}

const NO_ROOM: Room = { requests: 0, inputTokens: 0, outputTokens: 0 };

/** Of the calls that wait, each the first at some place. */
export class Reservations {
  /** By the place at which a call waits: what is left beside it in each place where it is counted. */
  readonly #rooms = new Map<Place, ReadonlyMap<Place, Room>>();

  /** Whether any call may overtake. */
  get isOpen(): boolean {
    for (const [at, rooms] of this.#rooms) if (rooms.get(at)!.requests >= 1) return true;
    return false;
  }

  /** `request` waits at the place `at`; it is counted in `places`. */
  add(nowMs: number, request: GateRequest, at: Place, places: readonly Place[]): void {
    const least = { ...request, inputTokens: 0, outputTokens: 0 };
    if (!at.isFree(nowMs, least)) {
      this.#rooms.set(at, new Map([[at, NO_ROOM]]));
      return;
    }
    const outMs = Math.max(...places.map((place) => place.freeAt(nowMs, request)));
    const rooms = places.map((place): [Place, Room] => {
      const then = place.roomAt(nowMs, outMs, request);
      const now = place.roomAt(nowMs, nowMs, least);
      return [
        place,
        {
          requests: then.requests,
          inputTokens: Math.min(now.inputTokens, then.inputTokens),
          outputTokens: Math.min(now.outputTokens, then.outputTokens),
        },
      ];
    });
    this.#rooms.set(at, new Map(rooms));
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
