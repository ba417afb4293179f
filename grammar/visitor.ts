import type {
  Annotation,
  Identifier,
  Option,
  QualifiedName,
  ResultColumn,
  SqlIsland,
  StatementNode,
} from './ast.ts';

/** A node of any kind. */
export type Node =
  | StatementNode
  | Annotation
  | Identifier
  | QualifiedName
  | Option
  | Option['value']
  | ResultColumn
  | SqlIsland;

/** The callbacks for the kinds of node. If a callback returns `false`, the walk skips the children of the node. */
export type Visitor = {
  readonly [K in Node['kind']]?: (
    node: Extract<Node, { kind: K }>,
    parent: Node | undefined,
  ) => unknown;
};

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

/** Returns the direct children of a node, in source order. */
export function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flatMap((value: unknown) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter(isNode)
    .sort((a, b) => a.span.start - b.span.start);
}

/** Walks a node and all its descendants, parents first, in source order. */
export function visit(node: Node, visitor: Visitor, parent?: Node): void {
  const enter = visitor[node.kind] as ((node: Node, parent?: Node) => unknown) | undefined;
  if (enter?.(node, parent) === false) return;
  for (const child of childrenOf(node)) visit(child, visitor, node);
}
