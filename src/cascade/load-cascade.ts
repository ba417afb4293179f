/** A cascade file, and the files it names, as one validated `Cascade`. */
import { createHash } from 'node:crypto';
import { type ErrorCode, RvbbitError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { CASCADE_MAX_NESTING } from '../limits.ts';
import { buildCell, expressionText, type JsSource } from './build-cell.ts';
import type { Cascade, Cell, TestCase } from './cascade.ts';
import { checkJsCode, checkJsonSchema } from './check-code.ts';
import { checkNames } from './check-names.ts';
import { cascadeNotFound, hasCascadeSuffix } from './find-cascades.ts';
import { knownKeywords } from './json-validator.ts';
import { type NamedCascade, namedCascades } from './named-cascades.ts';
import type { ParsedYaml, ValuePath } from './parse-yaml.ts';
import { cascadeInvalid, formatPlace, type Problem } from './problems.ts';
import { inputColumnsOf, requiredInputs, widenInputsSchema } from './read-inputs.ts';
import type { Origin, Report } from './report.ts';
import { canonicalName, readRootFile } from './resolve-path.ts';
import type { CascadeFile, CellFile } from './schema.ts';
import { unknownKeywords } from './schema-keywords.ts';
import { didYouMean } from './spelling.ts';

/**
 * Loads `root/path` and every cascade and code file that it names.
 *
 * Errors: RVB_PATH_DENIED, RVB_CASCADE_NOT_FOUND, RVB_TEMPLATE_QUOTED where values stand in quotes and
 * nothing else is wrong, else RVB_CASCADE_INVALID with every problem and its place.
 */
export async function loadCascade(root: string, path: string): Promise<Cascade> {
  const file = canonicalName(path);
  const bytes = hasCascadeSuffix(file) ? await readRootFile(root, file) : undefined;
  if (bytes === undefined) throw await cascadeNotFound(root, file);
  return new Loader(root).load(file, bytes, []);
}

/** As `loadCascade`, of a text that is not in a file; `root` is where the files that it names lie. */
export async function loadCascadeText(
  text: string,
  options: { readonly file?: string; readonly root?: string } = {},
): Promise<Cascade> {
  const loader = new Loader(options.root ?? '.');
  return loader.load(options.file ?? 'cascade.yaml', Buffer.from(text), []);
}

/** One load: a cascade that several cells name is read, and reported, once. */
class Loader {
  readonly #root: string;
  /** Nested cascades by file, or why there is none, in one line. */
  readonly #loaded = new Map<string, Cascade | RvbbitError>();
  /** How many levels a nested cascade has, itself the first. */
  readonly #levels = new Map<Cascade, number>();

  constructor(root: string) {
    this.#root = root;
  }

  async load(file: string, bytes: Uint8Array, callers: readonly string[]): Promise<Cascade> {
    const { parsed, file: written } = await readFileValue(file, bytes);
    const problems: Problem[] = [];
    const codes: (ErrorCode | undefined)[] = [];
    const report: Report = (path, message, code) => {
      problems.push({ place: parsed.place(path), message });
      codes.push(code);
    };
    const hash = createHash('sha256').update(bytes);
    const cells: Cell[] = [];
    const nested = new Map<string, Cascade>();
    for (const [i, cellFile] of written.cells.entries()) {
      const at: Report = (path, message, code) => report(['cells', i, ...path], message, code);
      const origin: Origin = {
        file,
        lineOf(path) {
          const { line } = parsed.place(['cells', i, ...path]);
          return parsed.isBlock(['cells', i, ...path]) ? line + 1 : line;
        },
      };
      const js = cellFile.tool === 'js' ? await this.#code(cellFile, origin, at) : undefined;
      if (js !== undefined) hash.update(`\0js ${js.source}\0${js.code}`);
      if (cellFile.output_schema !== undefined) {
        const problem = checkJsonSchema(cellFile.output_schema as JsonObject);
        if (problem !== undefined) at(['output_schema'], `not a JSON Schema: ${problem}`);
      }
      const cell = buildCell(cellFile, js, origin, at);
      if (cell === undefined) continue;
      cells.push(cell);
      for (const named of namedCascades(cell)) {
        const known = nested.get(named.name) ?? (await this.#nested(named, [...callers, file], at));
        if (known === undefined) continue;
        checkGiven(named, known, at);
        if (nested.has(named.name)) continue;
        nested.set(named.name, known);
        hash.update(`\0cascade ${named.name}\0${known.hash}`);
      }
    }
    checkNames(written, report);
    const output = expressionText(['output'], written.output, report);
    const inputsSchema = checkedInputsSchema(written, report);
    if (problems.length > 0) throw raise(file, problems, codes);
    return {
      cascadeId: written.cascade_id ?? file.replace(/^.*\//, '').replace(/\.ya?ml$/, ''),
      ...(written.description === undefined ? {} : { description: written.description }),
      file,
      hash: hash.digest('hex'),
      ...(inputsSchema === undefined ? {} : { inputsSchema }),
      cells,
      ...(output === undefined ? {} : { output }),
      ...(written.model === undefined ? {} : { model: written.model }),
      ...(written.sql_function === undefined
        ? {}
        : { sqlFunction: written.sql_function as unknown as JsonObject }),
      testCases: (written.test_cases ?? []) as unknown as readonly TestCase[],
      nested: Object.fromEntries(nested),
      inputColumns: inputColumnsOf(inputsSchema, cells, output, nested),
      requiredInputs: requiredInputs(inputsSchema),
      warnings: [
        ...new Set([
          ...schemaWarnings(written, inputsSchema, parsed),
          ...[...nested.values()].flatMap(({ warnings }) => warnings),
        ]),
      ],
    };
  }

  /** The code of a js cell: written in the file, or in a file of its own under the root. */
  async #code(cell: CellFile, origin: Origin, report: Report): Promise<JsSource | undefined> {
    const { code, file: codeFile } = cell.inputs ?? {};
    let source: JsSource;
    let path: ValuePath = ['inputs', 'code'];
    if (typeof code === 'string' && codeFile === undefined) {
      source = { code, source: origin.file, firstLine: origin.lineOf(path) };
    } else if (typeof codeFile === 'string' && code === undefined) {
      path = ['inputs', 'file'];
      const bytes = await this.#read(codeFile, path, report);
      if (bytes === undefined) return undefined;
      source = { code: bytes.toString('utf8'), source: canonicalName(codeFile), firstLine: 1 };
    } else {
      report(['inputs'], 'a js cell needs inputs.code or inputs.file');
      return undefined;
    }
    const problem = checkJsCode(source);
    if (problem !== undefined) report(path, problem);
    return source;
  }

  async #read(name: string, path: ValuePath, report: Report): Promise<Buffer | undefined> {
    try {
      const bytes = await readRootFile(this.#root, name);
      if (bytes === undefined) report(path, `there is no file '${name}' under the cascade root`);
      return bytes;
    } catch (error) {
      if (!(error instanceof RvbbitError)) throw error;
      report(path, error.message, error.code);
      return undefined;
    }
  }

  async #nested(
    { name, path }: NamedCascade,
    callers: readonly string[],
    report: Report,
  ): Promise<Cascade | undefined> {
    try {
      const file = canonicalName(name);
      if (callers.includes(file)) {
        const circle = [...callers.slice(callers.indexOf(file)), file].join(' → ');
        report(path, `the cascades name each other in a circle: ${circle}`);
        return undefined;
      }
      const cascade =
        callers.length < CASCADE_MAX_NESTING ? await this.#loadOnce(file, callers) : undefined;
      const levels = cascade === undefined ? 1 : this.#levels.get(cascade)!;
      if (callers.length + levels <= CASCADE_MAX_NESTING) return cascade;
      report(path, `cascades nested deeper than ${CASCADE_MAX_NESTING}`);
      return undefined;
    } catch (error) {
      if (!(error instanceof RvbbitError)) throw error;
      report(path, error.message, error.code);
      return undefined;
    }
  }

  async #loadOnce(file: string, callers: readonly string[]): Promise<Cascade> {
    const known = this.#loaded.get(file);
    if (known instanceof RvbbitError) throw known;
    if (known !== undefined) return known;
    try {
      const bytes = hasCascadeSuffix(file) ? await readRootFile(this.#root, file) : undefined;
      if (bytes === undefined) throw await cascadeNotFound(this.#root, file);
      const cascade = await this.load(file, bytes, callers);
      const below = Object.values(cascade.nested).map((nested) => this.#levels.get(nested)!);
      this.#levels.set(cascade, 1 + Math.max(0, ...below));
      this.#loaded.set(file, cascade);
      return cascade;
    } catch (error) {
      if (!(error instanceof RvbbitError)) throw error;
      const line = error.message.replace(/:?\n.*/s, '');
      this.#loaded.set(file, new RvbbitError(error.code, line, { stage: 'cascade' }));
      throw error;
    }
  }
}

/** Reports inputs that a ward's or an evaluator's cascade requires and does not get. */
function checkGiven({ name, path, given }: NamedCascade, cascade: Cascade, report: Report): void {
  if (given === undefined) return;
  for (const input of cascade.requiredInputs.filter((wanted) => !given.includes(wanted))) {
    report(path, `${name} requires the input ${input}; here it gets ${given.join(', ')}`);
  }
}

/** The modules that know YAML and zod are loaded with the first cascade: start-up counts. */
async function readFileValue(
  file: string,
  bytes: Uint8Array,
): Promise<{ readonly parsed: ParsedYaml; readonly file: CascadeFile }> {
  const { guardYaml } = await import('./guard-yaml.ts');
  const guarded = guardYaml(bytes, file);
  if (!guarded.ok) throw cascadeInvalid(file, [guarded.problem]);
  const { parseYaml } = await import('./parse-yaml.ts');
  const parsed = parseYaml(guarded.text, file);
  if (parsed.problems.length > 0) throw cascadeInvalid(file, parsed.problems);
  const { validateFile } = await import('./validate-file.ts');
  const validated = validateFile(parsed);
  if (!validated.ok) throw cascadeInvalid(file, validated.problems);
  return { parsed, file: validated.file };
}

function checkedInputsSchema(written: CascadeFile, report: Report): JsonObject | undefined {
  if (written.inputs_schema === undefined) return undefined;
  const widened = widenInputsSchema(written.inputs_schema as JsonObject);
  const problem =
    typeof widened['problem'] === 'string' ? widened['problem'] : checkJsonSchema(widened);
  if (problem !== undefined) report(['inputs_schema'], `not a schema: ${problem}`);
  return widened;
}

/** Keywords of the file's schemas that nothing is held against; the short form of `inputs_schema` has none. */
function schemaWarnings(
  written: CascadeFile,
  inputsSchema: JsonObject | undefined,
  parsed: ParsedYaml,
): readonly string[] {
  const schemas: (readonly [ValuePath, unknown])[] = written.cells.map((cell, i) => [
    ['cells', i, 'output_schema'],
    cell.output_schema,
  ]);
  if (inputsSchema === written.inputs_schema) schemas.push([['inputs_schema'], inputsSchema]);
  return schemas.flatMap(([path, schema]) => {
    if (schema === undefined) return [];
    const known = knownKeywords();
    return unknownKeywords(schema as JsonObject, known).map((below) => {
      const place = formatPlace(parsed.place([...path, ...below], 'key'));
      const keyword = String(below.at(-1));
      return `${place} the schema's keyword ${keyword} is not known, and asks nothing${didYouMean(keyword, known)}`;
    });
  });
}

/** RVB_CASCADE_INVALID, or the problems' own code where they all have the same. */
function raise(
  file: string,
  problems: readonly Problem[],
  codes: readonly (ErrorCode | undefined)[],
): RvbbitError {
  const error = cascadeInvalid(file, problems);
  const code = codes[0];
  if (code === undefined || codes.some((other) => other !== code)) return error;
  return new RvbbitError(code, error.message, {
    stage: 'cascade',
    ...(error.place === undefined ? {} : { place: error.place }),
  });
}
