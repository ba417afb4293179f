import type { Identifier, NumberLiteral, QualifiedName, Span, StringLiteral } from './ast.ts';
import type { CstNode, IToken } from './chevrotain.ts';
import { nameValue, stringValue } from './quotes.ts';
import { QuotedName } from './tokens.ts';

/** Returns the tokens that a tree node holds under a name, in source order. */
export function tokensOf(node: CstNode, name: string): readonly IToken[] {
  return (node.children[name] ?? []) as readonly IToken[];
}

/** Returns the first token that a tree node holds under a name. */
export function tokenOf(node: CstNode, name: string): IToken | undefined {
  return tokensOf(node, name)[0];
}

/** Returns the children of a tree node that a grammar rule made, in source order. */
export function nodesOf(node: CstNode, rule: string): readonly CstNode[] {
  return (node.children[rule] ?? []) as readonly CstNode[];
}

/** Returns the first child of a tree node that a grammar rule made. */
export function nodeOf(node: CstNode, rule: string): CstNode | undefined {
  return nodesOf(node, rule)[0];
}

/** Returns a frozen span. */
export function createSpan(start: number, end: number): Span {
  return Object.freeze({ start, end });
}

export function tokenSpan(token: IToken): Span {
  return createSpan(token.startOffset, token.endOffset! + 1);
}

export function nodeSpan(node: CstNode): Span {
  return createSpan(node.location!.startOffset, node.location!.endOffset! + 1);
}

/** Returns the span from the start of `first` to the end of `last`. */
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

/** Returns the number of a token, negative if a minus token is given. */
export function numberOf(token: IToken, minus?: IToken): NumberLiteral {
  const size = Number(token.image.replaceAll('_', ''));
  // Negative zero becomes zero, because it prints as 0.
  const value = minus === undefined || size === 0 ? size : -size;
  return Object.freeze({ kind: 'NumberLiteral', value, span: spanBetween(minus ?? token, token) });
}
