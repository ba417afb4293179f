/**
 * Answers a query by running it with the least and with the most rows that its open questions may let in. Where both
 * runs give the same result, no open answer can change it, unless it is shown or compared, or a LIMIT took other rows with
 * equal values. Where they differ, the difference says what to ask.
 */
import { hash } from 'node:crypto';
import { type SqlNode, treeToSql } from '../../duck/parse-sql.ts';
import type { ResultReader } from '../../duck/reader.ts';
import type { Json } from '../../util/json.ts';
import { askOpen } from '../ask/ask-open.ts';
import { callsPerRun } from '../ask/calls-per-run.ts';
import { isTooDeep, parametersOf } from '../find-answers.ts';
import { sampleSize } from '../judge/sample-size.ts';
import { canBeCoded } from '../look-up/native-types.ts';
import { inlined } from '../plan/flatten.ts';
import type { FunctionFacts } from '../plan/function-facts.ts';
import { type PlannedSql, plannedSql } from '../plan/planned-sql.ts';
import { usesOf } from '../plan/query-plan.ts';
import {
  holds,
  isNode,
  isReason,
  NO_TABLE,
  nodesOf,
  select,
  Unplannable,
} from '../plan/query-tree.ts';
import { isVarying, isVolatile } from '../plan/unstable.ts';
import { readAnswer } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { BoundedLookUps, Pass } from './bounded-look-ups.ts';
import { Certificates, type Outcome, sureOf, TooDear } from './certificate.ts';
import { guarded } from './guards.ts';
import { polarQuery } from './polarity.ts';
import { cutQueryOf } from './row-tags.ts';

/** What a run takes, in milliseconds: for itself, and for each look-up. */
const RUN_MS = 1;
const LOOK_UP_MS = 0.002;
const CODED_MS = 0.0003;
/** Texts get codes where a run has more look-ups of values than this. */
const CODED_FROM = 2_000;
/** A run with more look-ups of values is given up, for each millisecond that the search may take, if it may stop early. */
const MOST_LOOK_UPS_A_MS = 1_000;
/** The same limit for a query whose questions all have to be asked: other ways ask them too, and sooner. */
const MOST_LOOK_UPS = 200_000;
/** Runs are also too dear if they take this many times as long as they should. */
const SLOW = 4;
/** The largest part of the time of the calls that runs may take. */
const RUNS_PART = 0.1;
/** A query whose questions do not end within this number of rounds has an input that changes. */
const MOST_ROUNDS = 100_000;

/** What takes the query whose result is certain. Its look-ups are there until the work ends. */
export type UseResult<T> = (query: PlannedSql, reader: ResultReader) => Promise<T>;

/**
 * Asks what the result of the query depends on, and gives `use` the query with its result. Undefined if the statement
 * was ended early. Throws Unplannable.
 */
export async function withBoundedResult<T>(
  run: SemanticQuery,
  node: SqlNode,
  facts: FunctionFacts,
  use: UseResult<T>,
): Promise<T | undefined> {
  const lookUps = await BoundedLookUps.of(run);
  try {
    const bounded = new BoundedQuery(run, node, facts, lookUps, await itemNames(run, node));
    return await bounded.answer(use);
  } finally {
    await lookUps.release();
  }
}

/** The names that DuckDB gives to the items with operators that have no alias: their text. */
async function itemNames(
  { read, statement }: SemanticQuery,
  query: SqlNode,
): Promise<ReadonlyMap<SqlNode, string>> {
  const useOf = usesOf(read);
  const items: SqlNode[] = [];
  holds(query, ({ select_list: list }) => {
    for (const item of nodesOf(list)) {
      if (item['alias'] === '') items.push(item);
    }
    return false;
  });
  const names = new Map<SqlNode, string>();
  for (const item of items) {
    if (
      item['class'] === 'STAR' ||
      !holds(item, (part) => useOf(part) !== undefined || part['class'] === 'SUBQUERY')
    )
      continue;
    const tree: SqlNode = { node: select([item], NO_TABLE, null), named_param_map: [] };
    const text = await treeToSql(statement.session, tree, statement.stop.signal);
    names.set(item, text.replace(/^SELECT /, ''));
  }
  return names;
}

/** A run of the query with its result. */
type Result = Outcome & { readonly reader: ResultReader };

/** The result if it is certain, else what to ask; `isSample`: to learn the prices of conditions. */
interface Step {
  readonly certain?: Result;
  readonly asks?: readonly string[];
  readonly isSample?: boolean;
  /** True if texts are to have codes first. */
  readonly needsCodes?: boolean;
}

class BoundedQuery {
  readonly #run: SemanticQuery;
  readonly #node: SqlNode;
  readonly #facts: FunctionFacts;
  readonly #lookUps: BoundedLookUps;
  readonly #names: ReadonlyMap<SqlNode, string>;
  readonly #isOrdered: boolean;
  #query: PlannedSql = { text: '', parameters: undefined };
  #runOnce: () => Promise<ResultReader>;
  readonly #certificates = new Certificates(
    (hopes) => this.#pass(hopes),
    () => this.#areRunsDear(),
  );
  #wave: number;
  #isSampled = false;
  #canStop = false;
  /** False if equal results of two runs prove nothing. */
  #mayStop: boolean;
  /** The query with all values of its rows, with and without its LIMIT; undefined if it has none. */
  #rowsQuery: { readonly cut: PlannedSql; readonly whole: PlannedSql } | undefined;
  readonly #mayCode: boolean;
  #needsCodes = false;
  /** How many answers there were when the query was last written. */
  #answered = 0;
  /** What the runs should have taken, and what they and the calls took. */
  #runsCost = 0;
  #runsMs = 0;
  #asksMs = 0;

  constructor(
    run: SemanticQuery,
    node: SqlNode,
    facts: FunctionFacts,
    lookUps: BoundedLookUps,
    names: ReadonlyMap<SqlNode, string>,
  ) {
    this.#run = run;
    this.#node = node;
    this.#facts = facts;
    this.#lookUps = lookUps;
    this.#names = names;
    this.#wave = run.settings.parallel;
    this.#mayCode =
      !run.read.inTransaction && !isTooDeep(run.read) && lookUps.uses.some(canBeCoded);
    this.#runOnce = () => run.statement.session.run(this.#query.text);
    this.#isOrdered = nodesOf(node['modifiers']).some(({ type }) =>
      /^(ORDER|LIMIT)/.test(String(type)),
    );
    // Otherwise each run of it may give another result.
    this.#mayStop = !holds(node, (part) => isVarying(part, facts) || isVolatile(part, facts));
  }

  async answer<T>(use: UseResult<T>): Promise<T | undefined> {
    const { stop } = this.#run.statement;
    await this.#write();
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      if (stop.drained !== undefined) return undefined;
      const {
        certain,
        asks = [],
        isSample,
        needsCodes,
      } = await this.#inOneTurn(() => this.#step());
      if (needsCodes === true) {
        await this.#code();
        continue;
      }
      if (certain !== undefined) {
        if (certain.pass.open.size === 0 || (await this.#isSameRows())) {
          return this.#result(certain, use);
        }
        this.#mayStop = false;
        continue;
      }
      await this.#ask(asks);
      const hasLearnt = this.#canStop && this.#answers > 2 * this.#answered;
      if (isSample === true || hasLearnt) await this.#write();
    }
    throw new Unplannable('its questions do not end');
  }

  async #code(): Promise<void> {
    this.#needsCodes = false;
    await this.#lookUps.code();
    // The search begins now.
    this.#runsCost = 0;
    this.#runsMs = 0;
  }

  /** Finds out whether the result is certain, or what to ask next. */
  async #step(): Promise<Step> {
    const runs = new Map<boolean, Promise<Result>>();
    const extreme = (letsIn: boolean) => {
      const run = runs.get(letsIn) ?? this.#pass(() => letsIn);
      runs.set(letsIn, run);
      return run;
    };
    const canStop = this.#canStop && this.#mayStop;
    try {
      const following = canStop ? await this.#certificates.following(this.#wave, extreme) : [];
      if (following.length > 0) return { asks: following };
      const low = await extreme(false);
      if (low.pass.open.size === 0) return { certain: low };
      if (this.#needsCodes) return { needsCodes: true };
      const high = await extreme(true);
      const isExact = low.pass.exact.size > 0 || high.pass.exact.size > 0;
      if (low.print === high.print && !isExact && this.#mayStop) return { certain: low };
      if (!this.#isSampled) {
        this.#isSampled = true;
        const asks = this.#sample(low, high);
        if (asks.length > 0) return { asks, isSample: true };
      }
      return { asks: await this.#certificates.next(low, high, this.#wave, canStop) };
    } catch (thrown) {
      if (!(thrown instanceof TooDear)) throw thrown;
      // No further search: some of these questions may turn out not to matter.
      this.#run.report.isRough = true;
      this.#wave *= this.#run.roughFactor;
      const sure = sureOf(await extreme(false), await extreme(true));
      return { asks: sure.slice(0, this.#wave) };
    }
  }

  /**
   * Whether the least and the most rows under a LIMIT or DISTINCT ON are the same rows, and not only the same values: each
   * has to be the only one of its values among all rows that the most rows would give without it.
   */
  async #isSameRows(): Promise<boolean> {
    if (this.#rowsQuery === undefined) return true;
    const { cut, whole } = this.#rowsQuery;
    const printsOf = async (query: PlannedSql, letsIn: boolean): Promise<readonly string[]> => {
      const { statement } = this.#run;
      const reader = await this.#lookUps.during(new Pass(() => letsIn), () =>
        statement.session.run(query.text, {
          parameters: parametersOf(this.#run, query),
          signal: statement.stop.signal,
        }),
      );
      return printsOfRows(reader);
    };
    try {
      const least = await printsOf(cut, false);
      const most = await printsOf(cut, true);
      const text = `SELECT * FROM (\n${whole.text}\n) GROUP BY ALL HAVING count(*) > 1`;
      const repeated = new Set(await printsOf({ ...whole, text }, true));
      const isSame = least.length === most.length && least.every((print, at) => print === most[at]);
      return isSame && !least.some((print) => repeated.has(print));
    } catch (thrown) {
      // DuckDB does not take the tags everywhere.
      if (!isReason(thrown)) throw thrown;
      return false;
    }
  }

  /** Does work of which every pass runs the same prepared statement. */
  async #inOneTurn<T>(work: () => Promise<T>): Promise<T> {
    const { session, stop } = this.#run.statement;
    const { text } = this.#query;
    const parameters = parametersOf(this.#run, this.#query);
    return session.repeat(text, { parameters, signal: stop.signal }, (runOnce) => {
      this.#runOnce = runOnce;
      return work();
    });
  }

  /** Gives the result of the run with the least rows; it is the last run, so that its stand-ins hold. */
  async #result<T>({ pass, reader }: Result, use: UseResult<T>) {
    return this.#lookUps.during(new Pass(pass.hopes), () => use(this.#query, reader));
  }

  /** Writes the query that is run, with the parts of its conditions in the order of what is known of their prices. */
  async #write(): Promise<void> {
    const { read, statement } = this.#run;
    const { node, canStop } = polarQuery(this.#node, {
      useOf: usesOf(read),
      lookUps: this.#lookUps,
      facts: this.#facts,
      nameOf: (item) => this.#names.get(item) ?? '',
      priceOf: this.#prices(),
    });
    this.#canStop = canStop;
    this.#lookUps.mostLookUps = canStop
      ? Math.max(MOST_LOOK_UPS, this.#run.searchMs * MOST_LOOK_UPS_A_MS)
      : MOST_LOOK_UPS;
    this.#run.report.mayStop ||= canStop;
    this.#answered = this.#answers;
    const safe = guarded(node, this.#lookUps.uses, this.#facts);
    this.#query = await plannedSql(statement, safe);
    const rows = cutQueryOf(inlined(safe));
    this.#rowsQuery = rows && {
      cut: await plannedSql(statement, rows.cut),
      whole: await plannedSql(statement, rows.whole),
    };
  }

  get #answers(): number {
    return this.#run.read.books.reduce((sum, { size }) => sum + size, 0);
  }

  async #pass(hopes: Pass['hopes']): Promise<Result> {
    const pass = new Pass(hopes);
    const startedMs = performance.now();
    this.#run.report.passes += 1;
    try {
      const reader = await this.#lookUps.during(pass, this.#runOnce);
      return { pass, reader, print: await this.#printOf(reader, pass) };
    } catch (thrown) {
      if (this.#lookUps.hasTooMany) throw new Unplannable('it has too many rows');
      throw thrown;
    } finally {
      const { lookUps, coded } = pass;
      this.#needsCodes ||= this.#mayCode && lookUps > CODED_FROM && this.#lookUps.uncoded > 0;
      this.#runsMs += performance.now() - startedMs;
      this.#runsCost += RUN_MS + LOOK_UP_MS * lookUps + CODED_MS * coded;
    }
  }

  async #printOf(reader: ResultReader, { exact }: Pass): Promise<string> {
    const rows = await printsOfRows(reader);
    if (!this.#isOrdered) rows.sort();
    return `${rows.join('\n')}\n\n${[...exact].sort().join('\n')}`;
  }

  /** Whether there is no time for further runs. On a busy machine that does not depend on how busy it is. */
  #areRunsDear(): boolean {
    const part = RUNS_PART * this.#asksMs;
    const { searchMs } = this.#run;
    return (
      this.#runsCost > Math.max(searchMs, part) || this.#runsMs > Math.max(SLOW * searchMs, part)
    );
  }

  async #ask(keys: readonly string[]): Promise<void> {
    const startedMs = performance.now();
    const questions = keys.map((key) => this.#lookUps.question(key));
    const books = new Set(questions.map(({ book }) => book));
    await askOpen(
      this.#run,
      [...books].map((book) => ({
        book,
        tuples: questions.filter((one) => one.book === book).map(({ tuple }) => tuple),
      })),
    );
    this.#asksMs += performance.now() - startedMs;
  }

  /**
   * Questions of every kind about some of the same values, if several kinds stand under one AND or OR: the cheaper part
   * is then asked first.
   */
  #sample(low: Outcome, high: Outcome): readonly string[] {
    const useOf = usesOf(this.#run.read);
    const asks = (part: unknown) => holds(part, (node) => useOf(node) !== undefined);
    const hasChoice = holds(
      this.#node,
      (node) =>
        node['class'] === 'CONJUNCTION' && nodesOf(node['children']).filter(asks).length > 1,
    );
    if (!hasChoice || (this.#canStop && this.#isOrdered)) return [];
    const kinds = new Map<string, Map<string, string>>();
    for (const [key, { book, tuple }] of [...low.pass.open, ...high.pass.open]) {
      const kind = kindOf(this.#run.read.books.indexOf(book), tuple.slice(1));
      const keys = kinds.get(kind) ?? new Map<string, string>();
      kinds.set(kind, keys.set(JSON.stringify(tuple[0]), key));
    }
    const [least, ...others] = [...kinds.values()].sort((a, b) => a.size - b.size);
    const most = others.at(-1)?.size ?? 0;
    const count = sampleSize(most);
    if (least === undefined || count === 0) return [];
    // Chosen by a hash, so that an order of the values makes no difference.
    const sampled = [...least.keys()]
      .map((value) => ({ value, by: hash('sha256', value, 'hex') }))
      .sort((a, b) => (a.by < b.by ? -1 : 1))
      .slice(0, count)
      .map(({ value }) => value);
    const keys = [least, ...others].flatMap((kind) =>
      sampled.flatMap((value) => kind.get(value) ?? []),
    );
    return [...new Set(keys)];
  }

  /** The price of a part of an AND or OR: its calls for each row that it decides. */
  #prices(): (part: SqlNode, isAnd: boolean) => number {
    const { read } = this.#run;
    const useOf = usesOf(read);
    const shares = new Map<string, { met: number; all: number }>();
    const shareOf = (node: SqlNode) => {
      const use = useOf(node)!;
      const criteria = nodesOf(node['children']).slice(1).map(literalOf);
      if (criteria.includes(undefined)) return undefined;
      const kind = kindOf(read.uses.indexOf(use), criteria as Json[]);
      if (!shares.has(kind)) {
        const share = { met: 0, all: 0 };
        const text = JSON.stringify(criteria);
        for (const { tuple, value } of use.book.entries()) {
          if (JSON.stringify(tuple.slice(1)) !== text) continue;
          share.all += 1;
          if (readAnswer(use, value) === true) share.met += 1;
        }
        shares.set(kind, share);
      }
      return shares.get(kind);
    };
    return (part, isAnd) => {
      const calls: SqlNode[] = [];
      holds(part, (node) => {
        if (useOf(node) !== undefined) calls.push(node);
        return false;
      });
      const [only, ...more] = calls;
      if (only === undefined) return 0;
      const each = calls.reduce(
        (sum, node) => sum + Math.max(1, callsPerRun(useOf(node)!.book.operator.cascade)),
        0,
      );
      if (more.length > 0 || holds(part, (node) => node['class'] === 'SUBQUERY')) return 10 * each;
      const isNot = part['type'] === 'OPERATOR_NOT';
      const isTruth = useOf(isNot ? nodesOf(part['children'])[0]! : part) !== undefined;
      const share = isTruth ? shareOf(only) : undefined;
      if (share === undefined) return 2 * each;
      const met = (share.met + 0.5) / (share.all + 1);
      return each / (isAnd !== isNot ? 1 - met : met);
    };
  }
}

async function printsOfRows(reader: ResultReader): Promise<string[]> {
  const columns = await reader.allColumns('json');
  return Array.from({ length: reader.rowCount }, (_, row) =>
    JSON.stringify(columns.map((column) => column[row])),
  );
}

function kindOf(place: number, criteria: readonly Json[]): string {
  return JSON.stringify([place, criteria]);
}

/** The value of a literal text or number; undefined for any other expression. */
function literalOf(node: SqlNode): Json | undefined {
  const value = node['class'] === 'CONSTANT' ? node['value'] : undefined;
  return isNode(value) && value['is_null'] !== true ? (value['value'] as Json) : undefined;
}
