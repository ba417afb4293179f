/**
 * Shapes of semantic queries, from the files in `bench/shapes`. They run with one call at a time (`parallel: 1`), so that
 * only needed calls are made.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Environment } from 'minijinja-js';
import { parse } from 'yaml';
import { shapesRoot } from '../fixture-root.ts';
import type { NotedMacro } from './duckdb-evaluates.ts';

export interface Shape {
  readonly name: string;
  /** The query, with `means(text, 'word')`, `about(text, 'word')` and `classify(text, 'labels')` for the operators. */
  readonly sql: string;
  /** Plain SQL that computes the least number of calls that can answer the query, a template over `least.jinja`. */
  readonly least: string;
  /** True if the planner does not see that the query may stop early. */
  readonly isStopUnseen?: true;
  /** Why no engine can reach the least number: only hindsight shows the order, or which of several texts to ask about first. */
  readonly hindsight?: string;
}

/** Shapes that are measured together. */
export interface ShapeSet {
  readonly name: string;
  readonly shapes: readonly Shape[];
  /** The most calls of all shapes together, as a multiple of the least. */
  readonly most: number;
}

const read = (file: string) => readFileSync(join(shapesRoot, file), 'utf8');

/** The tables, and macros that return what the model answers: `plain_means` and so on. */
export const SHAPE_TABLES = read('tables.sql');
/** Macros with the same values that note their questions. */
export const NOTED_MACROS: readonly NotedMacro[] = Object.entries({
  means: ['d', 'word'],
  about: ['d', 'word'],
  classify: ['d', 'labels'],
}).map(([name, args]) => ({
  name: `noted_${name}`,
  args,
  value: `plain_${name}(${args.join(', ')})`,
}));

export const SHAPES = shapesIn('shapes.yaml');
export const WIDER_SHAPES = shapesIn('wider-shapes.yaml');

function shapesIn(file: string): readonly Shape[] {
  const parts = read('least.jinja');
  const jinja = new Environment();
  return (parse(read(file)) as readonly Shape[]).map((shape) => ({
    ...shape,
    least: jinja.renderStr(`${parts}${shape.least}`, {}),
  }));
}

/** Returns a shape's query with operators. */
export function withOperators({ sql }: Shape): string {
  return sql.replace(
    /\b(means|about)\(([^()]+), ('\w+')\)/g,
    (_, name: string, text: string, word: string) => `(${text}) ${name.toUpperCase()} ${word}`,
  );
}

/** Returns a shape's query with macros that begin with `prefix` in place of the operators. */
export function withMacros({ sql }: Shape, prefix: 'plain' | 'noted'): string {
  return sql.replace(/\b(?=(?:means|about|classify)\()/g, `${prefix}_`);
}
