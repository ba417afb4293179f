import type { Identifier, NumberLiteral, QualifiedName, Span, StringLiteral } from './ast.ts';
import type { CstNode, IToken } from './chevrotain.ts';
import { nameValue, stringValue } from './quotes.ts';
import { QuotedName } from './tokens.ts';

/** The tokens of a tree node under a name, in the order of the source. */
export function tokensOf(node: CstNode, name: string): readonly IToken[] {
  return (node.children[name] ?? []) as readonly IToken[];
}

/** The first token under the name. */
export function tokenOf(node: CstNode, name: string): IToken | undefined {
  return tokensOf(node, name)[0];
}

/** The nodes under a tree node that a rule made, in the order of the source. */
export function nodesOf(node: CstNode, rule: string): readonly CstNode[] {
  return (node.children[rule] ?? []) as readonly CstNode[];
}

/** The first node that the rule made. */
export function nodeOf(node: CstNode, rule: string): CstNode | undefined {
  return nodesOf(node, rule)[0];
}

/** A frozen span. */
export function createSpan(start: number, end: number): Span {
  return Object.freeze({ start, end });
}

export function tokenSpan(token: IToken): Span {
  return createSpan(token.startOffset, token.endOffset! + 1);
}

export function nodeSpan(node: CstNode): Span {
  return createSpan(node.location!.startOffset, node.location!.endOffset! + 1);
}

/** From the start of the one to the end of the other. */
function spanBetween(first: IToken, last: IToken): Span {
  return createSpan(first.startOffset, last.endOffset! + 1);
}

export function identifierOf(name: CstNode): Identifier {
  const token = (tokenOf(name, 'Word') ?? tokenOf(name, 'QuotedName'))!;
  const quoted = token.tokenType === QuotedName;
  const value = quoted ? nameValue(token.image) : token.image;
  return Object.freeze({ kind: 'Identifier', value, quoted, span: tokenSpan(token) });
}

export function qualifiedNameOf(node: CstNode): QualifiedName {
  const parts = Object.freeze(nodesOf(node, 'name').map(identifierOf));
  return Object.freeze({ kind: 'QualifiedName', parts, span: nodeSpan(node) });
}

export function stringOf(token: IToken): StringLiteral {
  const value = stringValue(token.image);
  return Object.freeze({ kind: 'StringLiteral', value, span: tokenSpan(token) });
}

/** The number with its minus, if one stands before it. */
export function numberOf(token: IToken, minus?: IToken): NumberLiteral {
  const size = Number(token.image.replaceAll('_', ''));
  // No negative zero, which does not print as one.
  const value = minus === undefined || size === 0 ? size : -size;
  return Object.freeze({ kind: 'NumberLiteral', value, span: spanBetween(minus ?? token, token) });
}
