/** The state that the model calls of all statements of an engine share. */
import type { Journal } from '../journal/journal.ts';
import { Circuits } from './circuits.ts';
import type { Gate } from './gate/gate.ts';
import { KnownRuns } from './known-runs.ts';
import { SingleFlight } from './single-flight.ts';

/** The limiter, the journal with its stored answers, calls in flight, circuits, and runs known by their answers. */
export class CallDesk {
  readonly gate: Gate;
  readonly journal: Journal;
  readonly flights = new SingleFlight();
  readonly circuits = new Circuits();
  readonly knownRuns = new KnownRuns();

  constructor(gate: Gate, journal: Journal) {
    this.gate = gate;
    this.journal = journal;
  }
}
