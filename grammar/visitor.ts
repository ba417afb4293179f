import type {
  Annotation,
  Identifier,
  Option,
  QualifiedName,
  ResultColumn,
  SqlIsland,
  StatementNode,
} from './ast.ts';

/** Every kind of node. */
export type Node =
  | StatementNode
  | Annotation
  | Identifier
  | QualifiedName
  | Option
  | Option['value']
  | ResultColumn
  | SqlIsland;

/** What to do at a node of each kind. `false` keeps the walk from going into the node. */
export type Visitor = {
  readonly [K in Node['kind']]?: (
    node: Extract<Node, { kind: K }>,
    parent: Node | undefined,
  ) => unknown;
};

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

/** The nodes right under a node, in the order of the source. */
export function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flatMap((value: unknown) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter(isNode)
    .sort((a, b) => a.span.start - b.span.start);
}

/** Walks a node and all under it, parents first, in the order of the source. */
export function visit(node: Node, visitor: Visitor, parent?: Node): void {
  const enter = visitor[node.kind] as ((node: Node, parent?: Node) => unknown) | undefined;
  if (enter?.(node, parent) === false) return;
  for (const child of childrenOf(node)) visit(child, visitor, node);
}
