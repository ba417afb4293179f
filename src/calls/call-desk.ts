/** What the model calls of all statements of an engine share: the limiter, the journal with its answers, runs known by them, calls in flight, circuits. */
import type { Journal } from '../journal/journal.ts';
import { Circuits } from './circuits.ts';
import type { Gate } from './gate/gate.ts';
import { KnownRuns } from './known-runs.ts';
import { SingleFlight } from './single-flight.ts';

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
