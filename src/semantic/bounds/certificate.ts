/**
 * Chooses the questions to ask next. A certificate is a set of open questions that make the result certain if their
 * answers are as hoped, whatever the others are. It is found by running the query with parts of the questions hoped for,
 * and so needs no knowledge of LIMIT, EXISTS, DISTINCT or any other clause.
 */
import type { Pass } from './bounded-look-ups.ts';

/** A run of the query with stand-ins, and its result as a text. */
export interface Outcome {
  readonly pass: Pass;
  readonly print: string;
}

/** Runs the query. */
export type RunPass = (hopes: Pass['hopes']) => Promise<Outcome>;

/** The result that a certificate has to give: the one with all stand-ins letting rows in, or keeping them out. */
interface Goal {
  readonly letsIn: boolean;
  readonly print: string;
  /** The questions that may decide, in the order in which the query meets them. */
  readonly keys: readonly string[];
}

/** Questions of a certificate that are not asked yet; with them the goal is reached if the answers so far were as hoped. */
interface Rest {
  readonly goal: Goal;
  readonly keys: readonly string[];
}

/** Up to this number of questions, a certificate that needs all of them is made smaller question by question. */
const FEW_QUESTIONS = 8;

/** Ends a search for a certificate that takes too long. */
export class TooDear extends Error {}

/** Questions that DuckDB evaluates whatever the answers are; if there are none, any that it may evaluate. */
export function sureOf(low: Outcome, high: Outcome): readonly string[] {
  const met = [...high.pass.open.keys()];
  const both = met.filter((key) => low.pass.open.has(key));
  if (both.length > 0) return both;
  return met.length > 0 ? met : [...low.pass.open.keys()];
}

export class Certificates {
  readonly #run: RunPass;
  readonly #isDear: () => boolean;
  #rest: Rest | undefined;
  /** Questions that the runs with the least and with the most rows both met. Later questions of a row are met by the most only. */
  #first: ReadonlySet<string> = new Set();
  /** Questions that did not matter before. They probably matter no more than then, and come last. */
  readonly #dropped = new Set<string>();
  /** How many first questions decided the last time: the next search begins there. */
  #decided = 1;
  #isWhole = false;
  /** How many questions are asked for one that is needed if the answers are as hoped. */
  #spare = 2;

  /** `isDear` tells whether there is no time for further runs. */
  constructor(run: RunPass, isDear: () => boolean) {
    this.#run = run;
    this.#isDear = isDear;
  }

  /**
   * The questions after those of the last certificate, at most `wave`; none if they decide no more. `extreme` is the run
   * in which all stand-ins let rows in, or keep them out.
   */
  async following(
    wave: number,
    extreme: (letsIn: boolean) => Promise<Outcome>,
  ): Promise<readonly string[]> {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest === undefined) return [];
    const { goal, keys } = rest;
    const { print } = await this.#with(goal, keys);
    if (print === goal.print) {
      this.#spare = Math.max(1, this.#spare / 2);
      return this.#withSpare(goal, await this.#smallest(goal, keys, wave), wave);
    }
    this.#spare = Math.min(wave, this.#spare * 2);
    // Some answers were not as hoped. The rest may still decide what the result is now.
    const now = this.#goalOf(await extreme(goal.letsIn), goal.letsIn);
    if (print !== now.print) return [];
    return this.#withSpare(now, await this.#smallest(now, keys, wave), wave);
  }

  /**
   * The questions to ask after the runs with the least and the most rows: at most `wave`, if the query may stop early.
   * Throws TooDear.
   */
  async next(
    low: Outcome,
    high: Outcome,
    wave: number,
    canStop: boolean,
  ): Promise<readonly string[]> {
    const exact = new Set([low, high].flatMap(({ pass }) => [...pass.exact]));
    const sure = sureOf(low, high);
    const both = [...high.pass.open.keys()].filter((key) => low.pass.open.has(key));
    if (low.print === high.print && exact.size > 0) {
      const needed = both.filter((key) => exact.has(key));
      return needed.length > 0 ? needed : [...exact];
    }
    if (!canStop || low.print === high.print) return sure;
    this.#first = new Set(both);
    // A whole certificate was asked, and its answers were not as hoped.
    if (this.#isWhole) this.#spare = Math.min(wave, this.#spare * 2);
    this.#isWhole = false;
    let found = await this.#deciding(low, high, wave);
    if (found === undefined) return sure.slice(0, wave);
    if (found.keys.length === found.goal.keys.length && (await this.#needsAll(found))) {
      // Where one result needs all of its answers, the other may need few.
      const goal = found.goal.letsIn ? this.#goalOf(low, false) : this.#goalOf(high, true);
      const other = { goal, keys: goal.keys };
      if (goal.keys.length === 0 || (await this.#needsAll(other))) return this.#firstOf(found.keys);
      found = other;
    }
    const { goal, keys } = found;
    const smallest = await this.#smallest(goal, keys, wave);
    if (smallest.length === 0) return sure.slice(0, wave);
    const first = this.#firstOf(smallest);
    if (first.length < smallest.length) {
      this.#rest = undefined;
      return first;
    }
    this.#isWhole = this.#rest === undefined;
    return this.#withSpare(goal, smallest, wave);
  }

  /** Of the questions of one row, the later ones wait for the first. */
  #firstOf(keys: readonly string[]): readonly string[] {
    const first = keys.filter((key) => this.#first.has(key));
    return first.length > 0 ? first : keys;
  }

  /** Whether the result is the goal's if these questions are as hoped, and all others are the opposite. */
  async #reaches(goal: Goal, keys: readonly string[]): Promise<boolean> {
    return (await this.#with(goal, keys)).print === goal.print;
  }

  #with({ letsIn }: Goal, keys: readonly string[]): Promise<Outcome> {
    if (this.#isDear()) throw new TooDear();
    const hoped = new Set(keys);
    return this.#run((key) => hoped.has(key) === letsIn);
  }

  #goalOf({ pass, print }: Outcome, letsIn: boolean): Goal {
    const polar = [...pass.open.keys()].filter((key) => pass.polar.has(key));
    const fresh = polar.filter((key) => !this.#dropped.has(key));
    return { letsIn, print, keys: [...fresh, ...polar.filter((key) => this.#dropped.has(key))] };
  }

  /** The shortest prefix of the questions that decides for one of the two results; undefined if none does. */
  async #deciding(low: Outcome, high: Outcome, wave: number): Promise<Rest | undefined> {
    const goals = [this.#goalOf(high, true), this.#goalOf(low, false)].filter(
      ({ keys }) => keys.length > 0,
    );
    const most = Math.max(0, ...goals.map(({ keys }) => keys.length));
    // The search begins where the last one ended, and its steps double.
    const start = Math.max(wave, this.#decided);
    let tooFew = 0;
    for (
      let [count, step] = [start, 1];
      tooFew < most;
      [tooFew, count, step] = [count, count + step, step * 2]
    ) {
      for (const goal of goals) {
        if (tooFew >= goal.keys.length) continue;
        const reaches = (part: number) => this.#reaches(goal, goal.keys.slice(0, part));
        if (!(await reaches(count))) continue;
        let enough = Math.min(count, goal.keys.length);
        if (tooFew === 0) {
          let down = 1;
          for (; enough - down > 0 && (await reaches(enough - down)); down *= 2) enough -= down;
          tooFew = Math.max(0, enough - down);
        }
        this.#decided = await leastCount(tooFew, enough, reaches);
        return { goal, keys: goal.keys.slice(0, this.#decided) };
      }
    }
    return undefined;
  }

  /** Whether every one of many questions seems to be needed: a few of them are tried. */
  async #needsAll({ goal, keys }: Rest): Promise<boolean> {
    const { length } = keys;
    if (length <= FEW_QUESTIONS) return false;
    for (const left of [0, 1, length >> 2, length >> 1, length - 2]) {
      if (
        await this.#reaches(
          goal,
          keys.filter((_, index) => index !== left),
        )
      )
        return false;
    }
    return true;
  }

  /** The first questions, at most `wave`, of a smallest set that still decides; the others are kept for `following`. */
  async #smallest(
    goal: Goal,
    deciding: readonly string[],
    wave: number,
  ): Promise<readonly string[]> {
    const needed: string[] = [];
    let rest = deciding;
    const decidesFrom = (from: number) => this.#reaches(goal, [...needed, ...rest.slice(from)]);
    while (needed.length < wave && rest.length > 0) {
      if (await decidesFrom(1)) {
        let [enough, step] = [1, 2];
        while (enough + step <= rest.length && (await decidesFrom(enough + step))) {
          enough += step;
          step *= 2;
        }
        // The most that can be left out is the count before the least that cannot.
        const end = Math.min(rest.length + 1, enough + step);
        const from = rest;
        const least = await leastCount(enough, end, async (count) =>
          count > from.length ? true : !(await decidesFrom(count)),
        );
        for (const key of rest.slice(0, least - 1)) this.#dropped.add(key);
        rest = rest.slice(least - 1);
      }
      const [first, ...others] = rest;
      if (first === undefined) break;
      needed.push(first);
      rest = others;
    }
    this.#rest = rest.length > 0 ? { goal, keys: rest } : undefined;
    return needed;
  }

  /** The questions, and those of the certificates that follow if their answers are not as hoped, as calls are free. */
  async #withSpare(goal: Goal, first: readonly string[], wave: number): Promise<readonly string[]> {
    const wanted = Math.min(wave, Math.ceil(first.length * this.#spare));
    const chosen = new Set(first);
    while (chosen.size < wanted) {
      const outcome = await this.#run((key) => chosen.has(key) !== goal.letsIn);
      const other = this.#goalOf(outcome, goal.letsIn);
      const left = other.keys.filter((key) => !chosen.has(key));
      const rest = this.#rest;
      const found = await this.#decidingFor({ ...other, keys: left }, wanted - chosen.size);
      const more = found && (await this.#smallest(found.goal, found.keys, wanted - chosen.size));
      this.#rest = rest;
      if (more === undefined || more.length === 0) break;
      for (const key of this.#firstOf(more)) chosen.add(key);
    }
    return [...chosen];
  }

  async #decidingFor(goal: Goal, count: number): Promise<Rest | undefined> {
    if (goal.keys.length === 0 || (await this.#reaches(goal, []))) return undefined;
    let tooFew = 0;
    for (let most = count; tooFew < goal.keys.length; tooFew = most, most *= 2) {
      if (!(await this.#reaches(goal, goal.keys.slice(0, most)))) continue;
      const least = await leastCount(tooFew, Math.min(most, goal.keys.length), (part) =>
        this.#reaches(goal, goal.keys.slice(0, part)),
      );
      return { goal, keys: goal.keys.slice(0, least) };
    }
    return undefined;
  }
}

/** The least count above `tooFew` for which `test` holds; it holds for `enough`. */
async function leastCount(
  tooFew: number,
  enough: number,
  test: (count: number) => Promise<boolean>,
): Promise<number> {
  let [below, least] = [tooFew, enough];
  while (least - below > 1) {
    const middle = (below + least) >> 1;
    if (await test(middle)) least = middle;
    else below = middle;
  }
  return least;
}
