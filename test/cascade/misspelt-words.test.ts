/** The cascades of docs, examples and operators with every word of every template misspelt in turn. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BLOB, VARCHAR } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { Cascade } from '../../src/cascade/cascade.ts';
import { loadCascadeText } from '../../src/cascade/load-cascade.ts';
import { RvbbitError } from '../../src/errors.ts';
import { readOperator } from '../../src/operators/read-operator.ts';
import { bindInputs } from '../../src/plan/bind-inputs.ts';
import type { Json, JsonObject } from '../../src/util/json.ts';
import { deep, reportCases, seed } from '../support/cases.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string): string => readFileSync(root + file, 'utf8');

/** A file that a page of the docs names. */
const docsRoot = mkdtempSync(join(tmpdir(), 'rvbbit-words-'));
mkdirSync(join(docsRoot, 'lib'));
const PRICE = 'cells: [{ name: a, instructions: "{{ input.net }}, {{ input.note }}" }]';
writeFileSync(join(docsRoot, 'lib/price.yaml'), PRICE);
writeFileSync(join(docsRoot, 'score.yaml'), PRICE);
test.after(() => rmSync(docsRoot, { recursive: true }));

interface Source {
  readonly root: string;
  readonly file: string;
  readonly value: JsonObject;
}

/** The examples, the operators, and each YAML of the docs that is a cascade, or cells that come after those of the first. */
function sources(): readonly Source[] {
  const found: Source[] = [];
  for (const folder of ['examples/cascades/', 'src/operators/built-in/', 'bench/cascades/']) {
    for (const name of readdirSync(root + folder).filter((file) => file.endsWith('.yaml'))) {
      found.push({ root, file: folder + name, value: parse(read(folder + name)) });
    }
  }
  for (const name of readdirSync(`${root}docs`).filter((file) => file.endsWith('.md'))) {
    const blocks = [...read(`docs/${name}`).matchAll(/```yaml\n(.*?)```/gs)];
    const values = blocks.map(([, text]) => parse(text!));
    for (const [i, value] of values.entries()) {
      const isList = Array.isArray(value) && typeof value[0]?.name === 'string';
      const whole = isList ? { cells: [...values[0].cells, ...value] } : value;
      if ('cells' in whole) found.push({ root: docsRoot, file: `docs/${name}#${i}`, value: whole });
    }
  }
  return found;
}

/** A word of a template, and the file's value with that word misspelt. */
interface Misspelt {
  readonly word: string;
  readonly value: JsonObject;
}

function* misspellings(value: JsonObject): Generator<Misspelt, void> {
  const texts: { readonly text: string; readonly put: (text: string) => JsonObject }[] = [];
  const walk = (item: Json | undefined, key: string, put: (item: Json) => JsonObject): void => {
    if (typeof item === 'string') {
      const isCode = /^(when|output|set)$/.test(key) || /\{[{%]/.test(item);
      if (isCode) texts.push({ text: item, put });
    } else if (typeof item === 'object' && item !== null) {
      for (const [name, below] of Object.entries(item)) {
        if (/^(code|js|output_schema|inputs_schema|test_cases|sql_function)$/.test(name)) continue;
        const copy = (changed: Json): JsonObject =>
          put(
            Array.isArray(item) ? item.with(Number(name), changed) : { ...item, [name]: changed },
          );
        walk(below, key === 'set' ? 'set' : Array.isArray(item) ? '' : name, copy);
      }
    }
  };
  walk(value, '', (changed) => changed as JsonObject);
  for (const { text, put } of texts) {
    const isTemplate = /\{[{%]/.test(text);
    const code = isTemplate ? /\{\{.*?\}\}|\{%.*?%\}/gs : /^.*$/gs;
    for (const { 0: piece, index } of text.matchAll(code)) {
      const bare = piece.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gs, (quoted) =>
        ' '.repeat(quoted.length),
      );
      for (const { 0: word, index: at } of bare.matchAll(/[A-Za-z_]\w*/g)) {
        const start = index + at;
        const changed = text.slice(0, start) + misspell(word) + text.slice(start + word.length);
        yield { word: `${word} in ${text.trim()}`, value: put(changed) };
      }
    }
  }
}

/** Two neighbours swapped where they differ, else a letter more. */
function misspell(word: string): string {
  for (let i = word.length >> 1; i > 0; i--) {
    const [a, b] = [word[i - 1]!, word[i]!];
    if (a !== b && /[a-z]/i.test(a)) return word.slice(0, i - 1) + b + a + word.slice(i + 1);
  }
  return `${word}x`;
}

/** Loads a cascade as a statement's bind does, over a query with the columns `inputs`. */
async function bind({ root, file, value }: Source, inputs: readonly string[]): Promise<Cascade> {
  const cascade = await loadCascadeText(JSON.stringify(value), { file, root });
  if (cascade.sqlFunction !== undefined) {
    const read = readOperator(cascade, 'built-in');
    if ('problems' in read) throw new RvbbitError('RVB_CASCADE_INVALID', 'x', { stage: 'cascade' });
  } else {
    const images = cascade.cells.flatMap((cell) =>
      cell.kind === 'instructions' ? (cell.images ?? []) : [],
    );
    const columnOf = (name: string) =>
      images.includes(name)
        ? { name, type: 'BLOB', duckType: BLOB }
        : { name, type: 'VARCHAR', duckType: VARCHAR };
    bindInputs(cascade, inputs.map(columnOf));
  }
  return cascade;
}

test('each misspelt word is an error before a row runs', async () => {
  const unseen: string[] = [];
  // Which of the words an ordinary run takes changes from run to run.
  const stride = deep ? 1 : 12;
  let words = 0;
  let count = 0;
  const all = sources();
  for (const source of all) {
    const first = await loadCascadeText(JSON.stringify(source.value), source);
    const inputs = [...first.requiredInputs, ...first.inputReads.map(({ name }) => name)];
    await bind(source, inputs);
    for (const { word, value } of misspellings(source.value)) {
      if ((++words + seed) % stride !== 0) continue;
      count++;
      try {
        await bind({ ...source, value }, inputs);
        unseen.push(`${source.file}: ${word}`);
      } catch (error) {
        assert.instance(error, RvbbitError);
      }
    }
  }
  assert.equal(unseen, []);
  assert.ok(words > 500, `${words} words`);
  reportCases(count, `of ${words} misspelt words in ${all.length} cascades`);
});

test.run();
