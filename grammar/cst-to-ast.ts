import type {
  CreateTableStatement,
  ExplainStatement,
  InsertStatement,
  MapStatement,
  RunStatement,
  ShowStatement,
  StatementBase,
  StatementNode,
} from './ast.ts';
import { type Building, callOf, optionsOf, refuseRepeats } from './call-to-ast.ts';
import type { CstNode } from './chevrotain.ts';
import { didYouMean, shown } from './diagnostics.ts';
import {
  createSpan,
  identifierOf,
  nodeOf,
  nodeSpan,
  nodesOf,
  qualifiedNameOf,
  stringOf,
  tokenOf,
  tokenSpan,
  tokensOf,
} from './nodes.ts';
import { nearestSpelling } from './spelling.ts';

const NO_ANNOTATIONS = Object.freeze([]);
const FORMATS = ['text', 'tree', 'json'] as const;

/** Builds the MAP or RUN inside another statement. Reports AWAIT and CANCEL, which are not allowed there. */
function innerCall(
  building: Building,
  node: CstNode,
  place: string,
): MapStatement | RunStatement | undefined {
  const rvbbit = nodeOf(node, 'rvbbit')!;
  const job = nodeOf(rvbbit, 'job');
  const base = { span: nodeSpan(rvbbit), annotations: NO_ANNOTATIONS };
  if (job === undefined) return callOf(building, rvbbit, base);
  building.problems.push({
    code: 'RVB_SYNTAX',
    message: `${place} takes RVBBIT MAP or RVBBIT RUN, not a statement about a job.`,
    span: nodeSpan(job),
    expected: ['MAP', 'RUN'],
  });
  return undefined;
}

function createTableOf(
  building: Building,
  node: CstNode,
  base: StatementBase,
): CreateTableStatement | undefined {
  const body = innerCall(building, node, 'CREATE TABLE AS');
  return (
    body &&
    Object.freeze({
      kind: 'CreateTable',
      orReplace: tokenOf(node, 'REPLACE') !== undefined,
      temporary: (tokenOf(node, 'TEMP') ?? tokenOf(node, 'TEMPORARY')) !== undefined,
      ifNotExists: tokenOf(node, 'EXISTS') !== undefined,
      table: qualifiedNameOf(nodeOf(node, 'qualifiedName')!),
      body,
      ...base,
    })
  );
}

function insertOf(
  building: Building,
  node: CstNode,
  base: StatementBase,
): InsertStatement | undefined {
  const body = innerCall(building, node, 'INSERT');
  if (body === undefined) return undefined;
  if (body.kind === 'Run') {
    building.problems.push({
      code: 'RVB_SYNTAX',
      message: 'INSERT takes RVBBIT MAP; RVBBIT RUN gives one row about its run.',
      span: body.span,
      expected: ['RVBBIT MAP'],
    });
    return undefined;
  }
  const names = nodeOf(node, 'names');
  return Object.freeze({
    kind: 'Insert',
    table: qualifiedNameOf(nodeOf(node, 'qualifiedName')!),
    ...(names && { columns: Object.freeze(nodesOf(names, 'name').map(identifierOf)) }),
    body,
    ...base,
  });
}

function bodyOf(building: Building, tree: CstNode, base: StatementBase): StatementNode | undefined {
  const create = nodeOf(tree, 'create');
  if (create !== undefined) return createTableOf(building, create, base);
  const insert = nodeOf(tree, 'insert');
  if (insert !== undefined) return insertOf(building, insert, base);
  const show = nodeOf(tree, 'show');
  if (show !== undefined) return Object.freeze({ kind: 'Show', what: shownBy(show), ...base });
  const rvbbit = nodeOf(tree, 'rvbbit')!;
  const job = nodeOf(rvbbit, 'job');
  if (job === undefined) return callOf(building, rvbbit, base);
  const session = stringOf(tokenOf(job, 'session')!);
  const options = optionsOf(building, nodeOf(job, 'options'), 'run');
  const isAwait = tokenOf(job, 'AWAIT') !== undefined;
  const other = options.find(({ key }, index) => !isAwait || key.value !== 'timeout' || index > 0);
  if (other !== undefined) {
    const message = `RVBBIT ${isAwait ? "AWAIT takes one option, such as timeout = '5m'" : 'CANCEL takes no options'}.`;
    building.problems.push({ code: 'RVB_UNKNOWN_OPTION', message, span: other.span });
  }
  return isAwait
    ? Object.freeze({ kind: 'AwaitJob', session, options, ...base })
    : Object.freeze({ kind: 'CancelJob', session, ...base });
}

function shownBy(show: CstNode): ShowStatement['what'] {
  if (tokenOf(show, 'CASCADES') !== undefined) return 'cascades';
  return tokenOf(show, 'OPERATORS') === undefined ? 'jobs' : 'operators';
}

function formatOf(building: Building, settings: readonly CstNode[]): ExplainStatement['format'] {
  const words = settings.flatMap((setting) => tokensOf(setting, 'format'));
  refuseRepeats(building, 'FORMAT', words.map(tokenSpan));
  const word = words[0];
  if (word === undefined) return 'text';
  const format = FORMATS.find((name) => name === word.image.toLowerCase());
  if (format !== undefined) return format;
  const suggestion = nearestSpelling(word.image, FORMATS)?.toUpperCase();
  building.problems.push({
    code: 'RVB_SYNTAX',
    message: `FORMAT is TEXT, TREE or JSON, not ${shown(word.image)}.${didYouMean(suggestion)}`,
    span: tokenSpan(word),
    expected: ['TEXT', 'TREE', 'JSON'],
    suggestion,
  });
  return 'text';
}

/** Builds the statement of a syntax tree; undefined if its problems prevent that. */
export function buildStatement(
  building: Building,
  tree: CstNode,
  base: StatementBase,
): StatementNode | undefined {
  const explain = nodeOf(tree, 'explain');
  if (explain === undefined) return bodyOf(building, tree, base);
  const start = nodeSpan(explain).end;
  const inner = { span: createSpan(firstOffset(tree, start), base.span.end) };
  const body = bodyOf(building, tree, { ...inner, annotations: NO_ANNOTATIONS });
  const settings = nodesOf(explain, 'explainSetting');
  const format = formatOf(building, settings);
  if (body === undefined) return undefined;
  if (
    body.kind === 'Map' ||
    body.kind === 'Run' ||
    body.kind === 'CreateTable' ||
    body.kind === 'Insert'
  ) {
    const analyze =
      tokenOf(explain, 'ANALYZE') !== undefined ||
      settings.some((setting) => tokenOf(setting, 'ANALYZE') !== undefined);
    return Object.freeze({ kind: 'Explain', analyze, format, body, ...base });
  }
  building.problems.push({
    code: 'RVB_SYNTAX',
    message: 'EXPLAIN takes RVBBIT MAP or RVBBIT RUN, and no other statement that begins so.',
    span: body.span,
    expected: ['RVBBIT MAP', 'RVBBIT RUN'],
  });
  return undefined;
}

/** Returns the offset at which the statement under EXPLAIN begins. */
function firstOffset(tree: CstNode, fallback: number): number {
  for (const rule of ['create', 'insert', 'show', 'rvbbit']) {
    const node = nodeOf(tree, rule);
    if (node !== undefined) return nodeSpan(node).start;
  }
  return fallback;
}
