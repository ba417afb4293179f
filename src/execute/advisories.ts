/** What advisory wards refused in a statement: all of it counted, the first of it kept. */

import { ADVISORIES_KEPT } from '../limits.ts';
import type { Notice } from '../result.ts';
import type { Advisory, AdvisoryReport } from '../run/contract.ts';

/** Advisories that a notice shows. */
const ADVISORIES_SHOWN = 3;

/** Counts the advisories of a statement while its chunks settle. */
export class AdvisoryTally {
  #count = 0;
  readonly #first: Advisory[] = [];

  add(report: AdvisoryReport): void {
    this.#count += report.count;
    this.#first.push(...report.first.slice(0, ADVISORIES_KEPT - this.#first.length));
  }

  /** The first of them, in the order in which their chunks settled. */
  get first(): readonly Advisory[] {
    return this.#first;
  }

  /** What the user is told; nothing where no ward refused. */
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
