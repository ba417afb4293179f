import type {
  MapStatement,
  NumberLiteral,
  Option,
  ResultColumn,
  RunStatement,
  Span,
  StatementBase,
  StringLiteral,
} from './ast.ts';
import { checkCall } from './check-call.ts';
import type { CstNode, IToken } from './chevrotain.ts';
import type { Problem } from './diagnostics.ts';
import { BARE_PARALLEL } from './limits.ts';
import {
  createSpan,
  identifierOf,
  nodeOf,
  nodeSpan,
  nodesOf,
  numberOf,
  stringOf,
  tokenOf,
  tokenSpan,
  tokensOf,
} from './nodes.ts';
import { optionOf } from './option-values.ts';
import { skipTrivia } from './scan.ts';
import { createIsland } from './sql-island.ts';

const NO_OPTIONS = Object.freeze([]);

/** The context in which a statement is built. A problem is added to `problems`, and building continues. */
export interface Building {
  readonly source: string;
  readonly problems: Problem[];
}

/** Reports a modifier or clause that is written more than once. `spans` are the positions of all its uses. */
export function refuseRepeats(building: Building, word: string, spans: readonly Span[]): void {
  const span = spans[1];
  if (span === undefined) return;
  building.problems.push({
    code: 'RVB_SYNTAX',
    message: `${word} stands twice; once is enough.`,
    span,
  });
}

function columnOf(building: Building, node: CstNode): ResultColumn {
  const type = nodeOf(node, 'type');
  const from = tokenOf(node, 'String');
  return Object.freeze({
    kind: 'ResultColumn',
    name: identifierOf(nodeOf(node, 'name')!),
    ...(type === undefined ? {} : { type: createIsland(building.source, nodeSpan(type)) }),
    ...(from === undefined ? {} : { from: stringOf(from) }),
    span: nodeSpan(node),
  });
}

function columnsOf(building: Building, node: CstNode | undefined) {
  if (node === undefined) return undefined;
  return Object.freeze(nodesOf(node, 'column').map((column) => columnOf(building, column)));
}

/** Returns the options with their values. A pair whose value is not a literal is reported and left out. */
export function optionsOf(
  building: Building,
  node: CstNode | undefined,
  verb: 'map' | 'run',
): readonly Option[] {
  if (node === undefined) return NO_OPTIONS;
  const pairs = nodesOf(node, 'optionPair');
  if (tokensOf(node, 'Comma').length < pairs.length - 1) reportMissingComma(building, node, pairs);
  const options = pairs.map((pair) => optionOf(pair, verb, building.problems));
  return Object.freeze(options.filter((option) => option !== undefined));
}

function reportMissingComma(building: Building, node: CstNode, pairs: readonly CstNode[]): void {
  const commas = tokensOf(node, 'Comma').map(({ startOffset }) => startOffset);
  let comma = 0;
  for (const [index, pair] of pairs.slice(1).entries()) {
    const { start } = nodeSpan(pair);
    if (commas[comma] !== undefined && commas[comma]! < start) {
      comma++;
      continue;
    }
    const previous = nodeSpan(pairs[index]!);
    building.problems.push({
      code: 'RVB_SYNTAX',
      message: 'A comma is missing between these options.',
      span: createSpan(previous.end, Math.max(previous.end, start)),
      expected: [','],
    });
  }
}

/** Builds the node of RVBBIT MAP or RVBBIT RUN. Both share one grammar rule. */
export function callOf(
  building: Building,
  rvbbit: CstNode,
  base: StatementBase,
): MapStatement | RunStatement {
  const call = nodeOf(rvbbit, 'call')!;
  const modifiers = nodesOf(call, 'modifier');
  const modifier = (word: string): CstNode | undefined => {
    const found = modifiers.filter((node) => tokenOf(node, word) !== undefined);
    refuseRepeats(building, word, found.map(nodeSpan));
    return found[0];
  };
  const count = <Bare extends NumberLiteral | StringLiteral>(
    word: string,
    bare: Omit<Bare, 'span'>,
  ): NumberLiteral | Bare | undefined => {
    const node = modifier(word);
    if (node === undefined) return undefined;
    const written = nodeOf(node, 'count');
    if (written !== undefined)
      return numberOf(tokenOf(written, 'Number')!, tokenOf(written, 'Minus'));
    return Object.freeze({ ...bare, span: nodeSpan(node) }) as Bare;
  };
  const wordSpan = (word: string) => {
    const node = modifier(word);
    return node && nodeSpan(node);
  };
  const clause = (word: string): CstNode | undefined => {
    const found = nodesOf(call, 'clause').filter((node) => tokenOf(node, word) !== undefined);
    refuseRepeats(
      building,
      word,
      found.map((node) => tokenSpan(tokenOf(node, word)!)),
    );
    return found[0];
  };
  const as = nodeOf(call, 'as');
  const alias = as && nodeOf(as, 'name');
  const returning = clause('RETURNING');
  const withClause = clause('WITH');
  const asColumns = columnsOf(building, as && nodeOf(as, 'columns'));
  const returned = columnsOf(building, returning && nodeOf(returning, 'columns'));
  const tables = returning && tokenOf(returning, 'TABLES');
  const names = returning && nodeOf(returning, 'names');
  const island = tokenOf(call, 'Island') as IToken;
  const isRun = tokenOf(call, 'RUN') !== undefined;
  const parts = {
    isRun,
    parallel: count<NumberLiteral>('PARALLEL', { kind: 'NumberLiteral', value: BARE_PARALLEL }),
    batch: count<StringLiteral>('BATCH', { kind: 'StringLiteral', value: 'auto' }),
    distinct: wordSpan('DISTINCT'),
    async: wordSpan('ASYNC'),
    cascade: stringOf(tokenOf(call, 'cascade')!),
    alias: alias && identifierOf(alias),
    asSpan: as && nodeSpan(as),
    asColumns,
    returned,
    returningSpan: returning && nodeSpan(returning),
    tablesSpan: tables && tokenSpan(tables),
    tables: tables && Object.freeze(names ? nodesOf(names, 'name').map(identifierOf) : []),
    query: createIsland(
      building.source,
      createSpan(island.startOffset + 1, island.endOffset as number),
    ),
    options: optionsOf(
      building,
      withClause && nodeOf(withClause, 'options'),
      isRun ? 'run' : 'map',
    ),
  };
  checkCall(parts, building.problems);
  const { async, cascade, query, options } = parts;
  if (skipTrivia(query.text, 0, query.text.length) === query.text.length) {
    building.problems.push({
      code: 'RVB_SYNTAX',
      message: 'USING holds no query; write USING (SELECT …).',
      span: tokenSpan(island),
      expected: ['USING (SELECT …)'],
    });
  }
  const columns = asColumns ?? returned;
  if (parts.isRun) {
    return Object.freeze({
      kind: 'Run',
      ...(async && { async }),
      cascade,
      query,
      ...(columns && { columns }),
      ...(parts.tables && { returningTables: parts.tables }),
      options,
      ...base,
    });
  }
  return Object.freeze({
    kind: 'Map',
    ...(parts.parallel && { parallel: parts.parallel }),
    ...(parts.batch && { batch: parts.batch }),
    ...(parts.distinct && { distinct: parts.distinct }),
    ...(async && { async }),
    cascade,
    ...(parts.alias && { alias: parts.alias }),
    ...(columns && { columns, columnsFrom: asColumns ? ('as' as const) : ('returning' as const) }),
    query,
    options,
    ...base,
  });
}
