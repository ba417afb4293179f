/** Counts the refusals of advisory wards in a statement, and keeps the first refusals. */

import { ADVISORIES_KEPT } from '../limits.ts';
import type { Notice } from '../result.ts';
import type { Advisory, AdvisoryReport } from '../run/contract.ts';

/** The number of advisories that a notice shows. */
const ADVISORIES_SHOWN = 3;

/** Counts the advisories of a statement while its chunks settle. */
export class AdvisoryTally {
  #count = 0;
  readonly #first: Advisory[] = [];

  add(report: AdvisoryReport): void {
    this.#count += report.count;
    this.#first.push(...report.first.slice(0, ADVISORIES_KEPT - this.#first.length));
  }

  get report(): AdvisoryReport {
    return { count: this.#count, first: this.#first };
  }

  /** The kept advisories, in the order in which their chunks settled. */
  get first(): readonly Advisory[] {
    return this.#first;
  }

  /** Returns the notice for the user; none if no ward refused. */
  notices(): readonly Notice[] {
    if (this.#count === 0) return [];
    const shown = this.#first
      .slice(0, ADVISORIES_SHOWN)
      .map(({ cell, ward, reason }) => `cell ${cell}, ward ${ward}: ${reason}`);
    const count = this.#count === 1 ? '1 advisory' : `${this.#count} advisories`;
    const more = this.#count > shown.length ? '; …' : '';
    return [{ code: 'ward_advisory', message: `${count} of wards: ${shown.join('; ')}${more}` }];
  }
}
