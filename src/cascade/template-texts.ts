/** Lists the templates and expressions of a cascade file, each with its place. */
import type { Json } from '../util/json.ts';
import { expressionNames, type NameUse, templateNames } from './jinja-names.ts';
import type { ValuePath } from './parse-yaml.ts';
import type { CascadeFile, CellFile } from './schema.ts';

/** One template or expression. */
export interface TemplateText {
  readonly path: ValuePath;
  readonly text: string;
  /** In a `query`, the filter `ident` turns values into names. */
  readonly kind: 'expression' | 'template' | 'query';
  /** The cell that contains the text. Absent for the file's `output`. */
  readonly cell?: CellFile;
  /** A further name that the text may read, besides `input`, `outputs` and `state`. */
  readonly sees?: 'output' | 'takes';
}

/** A text without syntax errors, and the names in it. */
export interface NamingText extends TemplateText {
  readonly names: readonly NameUse[];
}

/** Reads the names of a text. For a text that Jinja refuses, this may take long. */
export function withNames(text: TemplateText): NamingText {
  const read = text.kind === 'expression' ? expressionNames : templateNames;
  return { ...text, names: read(text.text) };
}

/** Returns the texts in the order of the file's cells, with `output` last. */
export function templateTexts(file: CascadeFile): readonly TemplateText[] {
  const texts = file.cells.flatMap((cell, i) => textsOfCell(cell, ['cells', i]));
  return [...texts, ...expression(['output'], file.output)];
}

function textsOfCell(cell: CellFile, at: ValuePath): readonly TemplateText[] {
  const { tool, inputs = {}, takes, wards } = cell;
  const evaluator = takes?.evaluator;
  const ofEvaluator = [...at, 'takes', 'evaluator'];
  const texts = [
    ...expression([...at, 'when'], cell.when),
    ...template([...at, 'instructions'], cell.instructions),
    ...template([...at, 'system'], cell.system),
    ...(cell.images ?? []).flatMap((image, i) => expression([...at, 'images', i], image)),
    ...(tool === undefined || tool === 'js'
      ? []
      : tool === 'sql_data'
        ? query([...at, 'inputs', 'query'], inputs['query'])
        : templatesIn([...at, 'inputs'], inputs as Json)),
    ...query([...at, 'for_each_row', 'query'], cell.for_each_row?.query),
    ...(['pre', 'post'] as const).flatMap((when) =>
      (wards?.[when] ?? []).flatMap(({ sql }, i) =>
        seeing('output', query([...at, 'wards', when, i, 'sql'], sql)),
      ),
    ),
    ...seeing('takes', template([...ofEvaluator, 'instructions'], evaluator?.instructions)),
    ...seeing('takes', template([...ofEvaluator, 'system'], evaluator?.system)),
    ...Object.entries(cell.set ?? {}).flatMap(([key, value]) =>
      expression([...at, 'set', key], value),
    ),
  ];
  return texts.map((text) => ({ ...text, cell }));
}

function expression(path: ValuePath, value: unknown): readonly TemplateText[] {
  if (typeof value !== 'string') return [];
  return [{ path, text: value, kind: 'expression' }];
}

function template(path: ValuePath, value: unknown): readonly TemplateText[] {
  if (typeof value !== 'string') return [];
  return [{ path, text: value, kind: 'template' }];
}

function query(path: ValuePath, value: unknown): readonly TemplateText[] {
  return template(path, value).map((text) => ({ ...text, kind: 'query' }));
}

function seeing(sees: 'output' | 'takes', texts: readonly TemplateText[]): readonly TemplateText[] {
  return texts.map((text) => ({ ...text, sees }));
}

/** Returns the texts in a value, at any depth. */
function templatesIn(path: ValuePath, value: Json): readonly TemplateText[] {
  if (typeof value !== 'object' || value === null) return template(path, value);
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, item]) =>
    templatesIn([...path, isList ? Number(key) : key], item as Json),
  );
}
