/** Loads a cascade file, and the files that it names, into one validated `Cascade`. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../error-codes.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';
import type { JsonObject } from '../util/json.ts';
import { buildCell, expressionText, TOOLS } from './build-cell.ts';
import { modelNames } from './build-prompt.ts';
import type { Cascade, Cell, InputRead, TestCase } from './cascade.ts';
import { checkJsCode, checkJsonSchema } from './check-code.ts';
import {
  checkCellNames,
  checkNames,
  inputReadsOf,
  inputsDeclaredBy,
  promptReadsOf,
  undeclaredInput,
} from './check-names.ts';
import { cascadeNotFound, filesNamed, nearestCascade } from './find-cascades.ts';
import type { JsSource } from './js-function.ts';
import { knownKeywords } from './json-validator.ts';
import { type NamedCascade, namedCascades } from './named-cascades.ts';
import type { ParsedYaml, ValuePath } from './parse-yaml.ts';
import { cascadeInvalid, formatPlace, type Problem } from './problems.ts';
import { type CascadeBytes, readCascadeFile } from './read-cascade-file.ts';
import { inputColumnsOf, requiredInputs, widenInputsSchema } from './read-inputs.ts';
import type { Origin, ReportProblemAt } from './report.ts';
import { type CascadeRoots, canonicalName, rootsOf } from './resolve-path.ts';
import { RootFiles } from './root-files.ts';
import type { CascadeFile, CellFile } from './schema.ts';
import { unknownKeywords } from './schema-keywords.ts';
import { didYouMean } from './spelling.ts';
import { type TemplateText, templateTexts, withNames } from './template-texts.ts';

const CASCADE_MAX_NESTING = 8;
/** The most cascades that a process keeps. A cascade is read again after one of its files has changed. */
const CASCADES_KEPT = 200;

const kept = new LRUCache<string, { readonly cascade: Cascade; readonly files: RootFiles }>({
  max: CASCADES_KEPT,
});

/**
 * Loads the cascade `path` under the roots, and every cascade and code file that it names.
 *
 * Errors: RVB_PATH_DENIED; RVB_CASCADE_NOT_FOUND; RVB_TEMPLATE_QUOTED if values stand in quotes and nothing else is
 * wrong; else RVB_CASCADE_INVALID with every problem and its place.
 */
export async function loadCascade(roots: CascadeRoots, path: string): Promise<Cascade> {
  const key = JSON.stringify([...rootsOf(roots).map((root) => resolve(root)), path]);
  const known = kept.get(key);
  if (known !== undefined && (await known.files.areUnchanged())) return known.cascade;
  const files = new RootFiles(roots);
  const read = await readCascadeFile(files, path);
  if (read === undefined) throw await cascadeNotFound(roots, canonicalName(path));
  const cascade = await new Loader(files).load(read.file, read.bytes, []);
  kept.set(key, { cascade, files });
  return cascade;
}

/** Like `loadCascade`, for a text that is not in a file. `root` is the folder of the files that the text names. */
export async function loadCascadeText(
  text: string,
  options: { readonly file?: string; readonly root?: string } = {},
): Promise<Cascade> {
  const loader = new Loader(new RootFiles(options.root ?? '.'));
  return loader.load(options.file ?? 'cascade.yaml', Buffer.from(text), []);
}

/** Loads one cascade with its nested cascades. A cascade that several cells name is read, and reported, once. */
class Loader {
  readonly #rootFiles: RootFiles;
  /** The files of nested cascades by the names that cells use. */
  readonly #files = new Map<string, CascadeBytes>();
  /** Nested cascades by file, or for a cascade that could not be loaded: its error in one line. */
  readonly #loaded = new Map<string, Cascade | RvbbitError>();
  /** The number of levels of a nested cascade, including its own. */
  readonly #levels = new Map<Cascade, number>();

  constructor(rootFiles: RootFiles) {
    this.#rootFiles = rootFiles;
  }

  async load(file: string, bytes: Uint8Array, callers: readonly string[]): Promise<Cascade> {
    const { parsed, value: written } = await readFileValue(file, bytes);
    const problems: Problem[] = [];
    const codes: (ErrorCode | undefined)[] = [];
    const faulty = new Set<string>();
    const report: ReportProblemAt = (path, message, code) => {
      problems.push({ place: parsed.place(path), message });
      codes.push(code);
      faulty.add(JSON.stringify(path));
    };
    const hash = createHash('sha256').update(bytes);
    const cells: Cell[] = [];
    const nested = new Map<string, Cascade>();
    for (const [i, cellFile] of written.cells.entries()) {
      const at: ReportProblemAt = (path, message, code) =>
        report(['cells', i, ...path], message, code);
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
        checkGiven(cell, named, known, at);
        if (nested.has(named.name)) continue;
        nested.set(named.name, known);
        hash.update(`\0cascade ${named.name}\0${known.hash}`);
      }
    }
    checkCellNames(written, report);
    const output = expressionText(['output'], written.output, report);
    const inputsSchema = checkedInputsSchema(written, report);
    const texts = templateTexts(written)
      .filter(({ path }) => !faulty.has(JSON.stringify(path)))
      .map(withNames);
    const placeOf = ({ path, text }: TemplateText, offset: number): SourcePlace =>
      parsed.placeOfWord(path, text, offset);
    const addProblem = (place: SourcePlace, message: string): void => {
      problems.push({ place, message });
      codes.push(undefined);
    };
    const declared = inputsDeclaredBy(written, inputsSchema);
    checkNames(written, texts, declared, (text, offset, message) =>
      addProblem(placeOf(text, offset), message),
    );
    const handedOn = readsHandedOn(cells, nested);
    for (const read of handedOn) {
      const message = read.isOptional ? undefined : undeclaredInput(read.name, declared);
      if (message !== undefined) addProblem(read.place, `${message} (${file} hands its input on)`);
    }
    if (problems.length > 0) throw raise(file, problems, codes);
    return {
      cascadeId: written.cascade_id ?? file.replace(/^.*\//, '').replace(/\.ya?ml$/, ''),
      ...(written.description === undefined ? {} : { description: written.description }),
      file,
      hash: hash.digest('hex'),
      ...(inputsSchema === undefined ? {} : { inputsSchema }),
      cells,
      ...(output === undefined ? {} : { output }),
      ...(written.model === undefined ? {} : { model: modelNames(written.model) }),
      ...(written.sql_function === undefined
        ? {}
        : { sqlFunction: written.sql_function as unknown as JsonObject }),
      testCases: (written.test_cases ?? []) as unknown as readonly TestCase[],
      nested: Object.fromEntries(nested),
      inputColumns: inputColumnsOf(inputsSchema, cells, texts, nested),
      requiredInputs: requiredInputs(inputsSchema),
      inputReads: onceEach([...inputReadsOf(texts, inputsSchema, placeOf), ...handedOn]),
      promptReads: promptReadsOf(texts, placeOf),
      warnings: [
        ...new Set([
          ...schemaWarnings(written, inputsSchema, parsed),
          ...[...nested.values()].flatMap(({ warnings }) => warnings),
        ]),
      ],
    };
  }

  /** Reads the code of a js cell, which stands in the cascade file or in a separate file under the root. */
  async #code(
    cell: CellFile,
    origin: Origin,
    report: ReportProblemAt,
  ): Promise<JsSource | undefined> {
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

  async #read(name: string, path: ValuePath, report: ReportProblemAt): Promise<Buffer | undefined> {
    try {
      const bytes = await this.#rootFiles.read(canonicalName(name));
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
    report: ReportProblemAt,
  ): Promise<Cascade | undefined> {
    try {
      const file = filesNamed(canonicalName(name)).find((each) => callers.includes(each));
      if (file !== undefined) {
        const circle = [...callers.slice(callers.indexOf(file)), file].join(' → ');
        report(path, `the cascades name each other in a circle: ${circle}`);
        return undefined;
      }
      const read = await this.#readOnce(name);
      if (read === undefined) {
        if (path[0] !== 'tool' || !isWord(name))
          throw await cascadeNotFound(this.#rootFiles.roots, name);
        const near = await nearestCascade(this.#rootFiles.roots, name);
        const hint = didYouMean(name, [...TOOLS, ...(near === undefined ? [] : [near])]);
        const expected = `expected ${TOOLS.join(', ')} or another cascade's path`;
        report(path, `unknown tool ${name}; ${expected}${hint}`);
        return undefined;
      }
      const cascade =
        callers.length < CASCADE_MAX_NESTING ? await this.#loadOnce(read, callers) : undefined;
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

  async #readOnce(name: string): Promise<CascadeBytes | undefined> {
    const read = this.#files.get(name) ?? (await readCascadeFile(this.#rootFiles, name));
    if (read !== undefined) this.#files.set(name, read);
    return read;
  }

  async #loadOnce({ file, bytes }: CascadeBytes, callers: readonly string[]): Promise<Cascade> {
    const known = this.#loaded.get(file);
    if (known instanceof RvbbitError) throw known;
    if (known !== undefined) return known;
    try {
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

/** True for a name that may be meant as a tool: neither a path nor a file. */
function isWord(name: string): boolean {
  return /^\w+$/.test(name);
}

/** Reports inputs that a nested cascade requires or reads but does not get. */
function checkGiven(
  cell: Cell,
  { name, path, given = givenInputs(cell) }: NamedCascade,
  { requiredInputs, inputReads }: Cascade,
  report: ReportProblemAt,
): void {
  if (given === undefined) return;
  const gets = `here it gets ${given.join(', ') || 'none'}`;
  for (const input of requiredInputs.filter((wanted) => !given.includes(wanted))) {
    report(path, `${name} requires the input ${input}; ${gets}${didYouMean(input, given)}`);
  }
  for (const { name: input, isOptional } of inputReads) {
    if (isOptional || given.includes(input)) continue;
    report(path, `${name} reads input.${input}; ${gets}${didYouMean(input, given)}`);
  }
}

/** Returns the names of the inputs that a cell builds for its cascade; undefined if it passes on its own input. */
function givenInputs(cell: Cell): readonly string[] | undefined {
  return cell.kind === 'cascade' && cell.inputs !== undefined
    ? Object.keys(cell.inputs)
    : undefined;
}

/** Returns the input reads of the nested cascades that get the whole input. */
function readsHandedOn(
  cells: readonly Cell[],
  nested: ReadonlyMap<string, Cascade>,
): readonly InputRead[] {
  return cells.flatMap((cell) => {
    if (cell.kind !== 'cascade' || cell.inputs !== undefined) return [];
    return nested.get(cell.cascade)?.inputReads ?? [];
  });
}

/** Returns one read for each input. A read that may not be missing takes precedence over one that may. */
function onceEach(reads: readonly InputRead[]): readonly InputRead[] {
  const first = new Map<string, InputRead>();
  for (const read of reads) {
    if (first.get(read.name)?.isOptional ?? true) first.set(read.name, read);
  }
  return [...first.values()];
}

/** Loads the modules for YAML and zod with the first cascade, to keep the start fast. */
async function readFileValue(
  file: string,
  bytes: Uint8Array,
): Promise<{ readonly parsed: ParsedYaml; readonly value: CascadeFile }> {
  const { readYaml } = await import('./read-yaml.ts');
  const { cascadeFileSchema } = await import('./schema.ts');
  const read = readYaml(bytes, file, cascadeFileSchema);
  if (!read.ok) throw cascadeInvalid(file, read.problems);
  return read;
}

function checkedInputsSchema(
  written: CascadeFile,
  report: ReportProblemAt,
): JsonObject | undefined {
  if (written.inputs_schema === undefined) return undefined;
  const widened = widenInputsSchema(written.inputs_schema as JsonObject);
  // What is made from the short form is a schema. To check it would load ajv.
  const isMade = widened !== written.inputs_schema;
  const problem =
    typeof widened['problem'] === 'string'
      ? widened['problem']
      : isMade
        ? undefined
        : checkJsonSchema(widened);
  if (problem !== undefined) report(['inputs_schema'], `not a schema: ${problem}`);
  return widened;
}

/**
 * Warns of keywords in the file's schemas that the validator does not know. The short form of `inputs_schema` has no
 * keywords.
 */
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
      return `${place} the schema's keyword ${keyword} is not known, and has no effect${didYouMean(keyword, known)}`;
    });
  });
}

/** Makes the error RVB_CASCADE_INVALID, or an error with the problems' own code if all have the same one. */
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
