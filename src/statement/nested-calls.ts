/**
 * Runs the MAPs and RUNs in brackets within a statement before the statement itself: inner calls before outer ones,
 * and in the order of the text. Each call fills a temp table. Then a text of the same length reads these tables, so
 * that the places of errors stay right.
 */
import type { MapStatement, RunStatement, Span, StatementNode } from '../../grammar/ast.ts';
import { callSpans } from '../../grammar/call-spans.ts';
import { parseCall } from '../../grammar/parse.ts';
import { statementParts } from '../../grammar/semantic/statement-parts.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import { dropTables, nextStageName, temporary } from '../duck/stage.ts';
import { RvbbitError } from '../errors.ts';
import { namesOf, refuseNothing } from '../execute/may-write.ts';
import type { Statement } from '../execute/statement.ts';
import { placedFrom } from '../plan/placed-error.ts';
import type { Notice } from '../result.ts';
import { kindOf, openingOf } from './names.ts';
import { ParameterPlaces } from './parameter-places.ts';
import { refuseUnread, sharedBudget, type Whole, wholeOf } from './whole-statement.ts';

/** A statement whose calls have run. */
export interface Unnested {
  /** The statement, with tables in place of its calls. */
  readonly node: StatementNode;
  /** The statement's data, with only the parameters that are left. */
  readonly statement: Statement;
  readonly notices: readonly Notice[];
  /** False if a call ended early: the rest of the statement would work on a part of the rows. */
  readonly isWhole: boolean;
  /** Drops the calls' temp tables. Never throws. */
  drop(): Promise<void>;
}

/** Handles a call. Afterwards the temp table `table` must hold the call's rows. */
type StageCall = (
  call: MapStatement | RunStatement,
  table: string,
  statement: Statement,
) => Promise<readonly Notice[]>;

/** Takes the calls out of the brackets of a statement, and handles each by `stage`. */
export async function unnest(
  node: StatementNode,
  statement: Statement,
  stage: StageCall,
): Promise<Unnested> {
  const { source, parameters, session, ledger, desk } = statement;
  refuseDefinition(node, source);
  const whole = wholeOf(node, statement);
  const places = new ParameterPlaces(source, node.span, parameters);
  const calls = new Calls(statement, places, whole, stage);
  const written = callsIn(source, node.span);
  const outer = 'body' in node ? node.body : node;
  const own = outer.kind === 'Map' || outer.kind === 'Run' ? [outer] : [];
  const verbs = [...own, ...written].map(({ kind }) => (kind === 'Map' ? 'map' : 'run'));
  await refuseUnread(node, verbs, aroundCalls(source, node.span), statement);
  await desk.journal.open();
  const label = written.find((call) => call.label !== undefined)?.label;
  // The record must show the whole statement, and not the first call in it.
  ledger.open({
    ...openingOf(node, statement),
    kind: kindOf(node),
    parallel: Math.max(1, ...written.map((call) => call.parallel ?? 1)),
    cascade: [...new Set(written.map(({ cascade }) => cascade))].join(', '),
    ...(label === undefined ? {} : { label }),
  });
  const drop = () => dropTables(session, calls.tables);
  try {
    const text = await calls.run(source, node.span);
    const { start, end } = node.span;
    const { text: rest, parameters: left } = calls.parameters.part(text, node.span);
    return {
      node: withText(node, `${text.slice(0, start)}${rest}${text.slice(end)}`),
      statement: { ...statement, parameters: left, budget: sharedBudget(node, whole) },
      notices: calls.notices,
      isWhole: statement.stop.drained === undefined,
      drop,
    };
  } catch (thrown) {
    await drop();
    throw thrown;
  }
}

class Calls {
  readonly tables: string[] = [];
  readonly notices: Notice[] = [];
  readonly parameters: ParameterPlaces;
  readonly #statement: Statement;
  readonly #whole: Whole;
  readonly #stageCall: StageCall;

  constructor(
    statement: Statement,
    parameters: ParameterPlaces,
    whole: Whole,
    stageCall: StageCall,
  ) {
    this.#whole = whole;
    this.#stageCall = stageCall;
    // The caller's output file is for the whole statement, and not for a call.
    this.#statement = { ...statement, output: undefined };
    this.parameters = parameters;
  }

  /** Runs the calls of a range. Returns the source with tables in their place. */
  async run(source: string, range: Span): Promise<string> {
    let text = source;
    for (const span of callSpans(source, range)) {
      if (this.#statement.stop.drained !== undefined) return text;
      text = await this.run(text, span);
      const table = nextStageName();
      await this.#stage(text, span, table);
      text = replaced(text, span, ['FROM', table]);
    }
    return text;
  }

  async #stage(source: string, span: Span, table: string): Promise<void> {
    const call = parseCall(source, span);
    if (call === undefined)
      throw new RvbbitError('RVB_INTERNAL', 'a call in brackets cannot be read', {
        stage: 'parse',
      });
    const { query } = call;
    refuseAsTable(call, this.#statement.source);
    const { text, parameters } = this.parameters.part(source, query.span);
    const { annotations } = this.#whole;
    const body = { ...call, annotations, query: { ...query, text } };
    this.tables.push(temporary(table));
    const budget = sharedBudget(call, this.#whole);
    const statement = { ...this.#statement, parameters, budget };
    const { ledger } = statement;
    const before = ledger.figures;
    const notices = await this.#stageCall(body, table, statement).catch((thrown: unknown) => {
      // While the call is bound, places count in the source; later, in the query.
      const isOfQuery =
        thrown instanceof RvbbitError && thrown.code === 'RVB_SQL' && thrown.stage !== 'bind';
      throw isOfQuery ? placedFrom(thrown, source, query.span.start) : withHint(thrown, call);
    });
    this.notices.push(...notices);
    const { writes } = this.#whole;
    if (writes.length === 0) return;
    refuseNothing(writes, ledger, before);
    const failed = ledger.figures.rows.failed - before.rows.failed;
    if (failed === 0) return;
    const [are, their] = failed === 1 ? ['row', 'its run'] : ['rows', 'their runs'];
    const message = `${failed} ${are} of ${call.cascade.value}, which ${namesOf(writes)} was made from, have no value: ${their} failed`;
    this.notices.push({ code: 'rows_failed', message });
  }
}

/** Refuses `as_table`: a call's rows are staged for the statement around it. Another table takes a statement of its own. */
function refuseAsTable({ kind, options }: MapStatement | RunStatement, source: string): void {
  const option = kind === 'Map' && options.find(({ key }) => key.value === 'as_table');
  if (!option) return;
  throw new RvbbitError(
    'RVB_UNSUPPORTED',
    'as_table is not for a MAP in brackets, whose rows go to the query around it; write CREATE TABLE … AS RVBBIT MAP … first',
    { stage: 'bind', place: createSourceText(source).positionAt(option.span.start) },
  );
}

/** Adds a hint to the error about an unknown table or column, because the name may come from the query around the call. */
function withHint(thrown: unknown, { kind }: MapStatement | RunStatement): unknown {
  if (!(thrown instanceof RvbbitError) || thrown.stage !== 'bind') return thrown;
  const isNotThere = /^42(703|P01)$/.test(thrown.sqlState ?? '');
  if (!isNotThere && !/Referenced table/.test(thrown.message)) return thrown;
  const { code, stage, place, sqlState, message } = thrown;
  const call = `a RVBBIT ${kind.toUpperCase()} in brackets`;
  const hint = `${call} runs before the query around it and cannot read from that: give it all that it needs in USING, and join its rows`;
  return new RvbbitError(code, `${message}\n(${hint})`, {
    stage,
    sqlState,
    cause: thrown,
    ...(place === undefined ? {} : { place }),
  });
}

/** Refuses calls in a definition: a view would run them once, when it is created, and keep their results. */
function refuseDefinition(node: StatementNode, source: string): void {
  const parts = node.kind === 'Sql' ? statementParts(node.text) : undefined;
  if (parts?.kind !== 'definition') return;
  const [first] = callSpans(source, node.span);
  const instead =
    parts.what === 'prepared statement'
      ? 'run it with its values each time: query(sql, values), or --param name=value on the command line'
      : 'make a table of its rows: CREATE TABLE … AS RVBBIT MAP …';
  throw new RvbbitError(
    'RVB_UNSUPPORTED',
    `this ${parts.what} cannot hold RVBBIT MAP or RUN, which runs once and not each time that it is read; ${instead}`,
    { stage: 'bind', place: createSourceText(source).positionAt(first!.start) },
  );
}

/** The parts of a call in brackets that describe it. `callsIn` lists inner calls first. */
interface WrittenCall {
  readonly kind: 'Map' | 'Run';
  readonly cascade: string;
  readonly parallel?: number | undefined;
  readonly label?: string | undefined;
}

function callsIn(source: string, range: Span): readonly WrittenCall[] {
  return callSpans(source, range).flatMap((span) => {
    const call = parseCall(source, span);
    if (call === undefined) return [];
    const label = call.options.find(({ key }) => key.value === 'label')?.value;
    return [
      ...callsIn(source, span),
      {
        kind: call.kind,
        cascade: call.cascade.value,
        parallel: call.kind === 'Map' ? call.parallel?.value : undefined,
        label: label?.kind === 'StringLiteral' ? label.value : undefined,
      },
    ];
  });
}

/** Returns the text of a range without the calls in its brackets. */
function aroundCalls(source: string, range: Span): string {
  let text = source;
  for (const span of callSpans(source, range)) text = replaced(text, span, []);
  return text.slice(range.start, range.end);
}

/** Puts words in place of a span of the source. The source keeps its length, and its line breaks too if the words find room. */
function replaced(source: string, { start, end }: Span, words: readonly string[]): string {
  const blank = source.slice(start, end).replace(/[^\r\n]/g, ' ');
  let text = blank;
  let at = 0;
  for (const word of words) {
    const room = text.slice(at).search(new RegExp(` {${word.length + 1}}|^ {${word.length}}$`));
    // Without the line breaks the words fit, because no call is shorter.
    if (room < 0) {
      return `${source.slice(0, start)}${words.join(' ').padEnd(end - start)}${source.slice(end)}`;
    }
    const from = at + room;
    text = `${text.slice(0, from)}${word}${text.slice(from + word.length)}`;
    at = from + word.length + 1;
  }
  return `${source.slice(0, start)}${text}${source.slice(end)}`;
}

/** Returns the statement with its texts from `source`, which is as long as the statement's own source. */
function withText(node: StatementNode, source: string): StatementNode {
  switch (node.kind) {
    case 'Sql':
      return { ...node, text: source.slice(node.span.start, node.span.end) };
    case 'Map':
    case 'Run': {
      const { query } = node;
      return {
        ...node,
        query: { ...query, text: source.slice(query.span.start, query.span.end) },
      };
    }
    case 'CreateTable':
    case 'Insert':
    case 'Explain':
      return { ...node, body: withText(node.body, source) } as StatementNode;
    default:
      return node;
  }
}
