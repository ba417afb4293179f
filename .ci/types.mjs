// Writes dist/types: the declarations that the package's exports need, and no others.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';

const ENTRIES = ['src/index', 'src/testing', 'src/telemetry', 'grammar/index'];
const IMPORTED = /((?:\bfrom|\bimport\()\s*')(\.[^']+)\.ts'/g;

/**
 * Modules whose exported types are inferred from schemas. zod is bundled, and an application does not have its types, so
 * these are written out: the type of what a schema takes, by its name.
 */
const WRITTEN_OUT = {
  'src/sim/script': { SimulatorOptions: 'optionsSchema', SimulatorScript: 'scriptSchema' },
};

export async function writeTypes(root) {
  rmSync(`${root}dist/types`, { recursive: true, force: true });
  const done = new Set();
  const open = [...ENTRIES];
  for (const name of open) {
    if (done.has(name)) continue;
    done.add(name);
    const text =
      name in WRITTEN_OUT
        ? await writtenOut(`${root}dist/${name}.js`, WRITTEN_OUT[name])
        : readFileSync(`${root}dist/${name}.d.ts`, 'utf8');
    if (text.includes("from 'zod'")) throw new Error(`${name} exports types of zod`);
    const target = `${root}dist/types/${name}.d.ts`;
    mkdirSync(dirname(target), { recursive: true });
    const declarations = text.replace(IMPORTED, (_, before, path) => {
      open.push(join(dirname(name), path));
      return `${before}${path}.js'`;
    });
    // Tabs in place of four spaces each: deep types are half as large.
    writeFileSync(
      target,
      declarations.replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4)),
    );
  }
}

async function writtenOut(file, names) {
  const schemas = await import(file);
  return Object.entries(names)
    .map(([name, schema]) => {
      const made = z.toJSONSchema(schemas[schema], { io: 'input', unrepresentable: 'any' });
      return `export type ${name} = ${typeText(made)};\n`;
    })
    .join('');
}

/** A JSON Schema, of those that zod makes of plain data, as a TypeScript type. */
function typeText(schema) {
  const { type, properties, required = [], additionalProperties, items } = schema;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.map(typeText).join(' | ');
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (type === 'array') return `readonly (${typeText(items)})[]`;
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([key, value]) =>
      required.includes(key)
        ? `readonly ${key}: ${typeText(value)}`
        : `readonly ${key}?: ${typeText(value)} | undefined`,
    );
    return `{ ${members.join('; ')} }`;
  }
  if (type === 'object') return `Readonly<Record<string, ${typeText(additionalProperties)}>>`;
  if (type === 'integer') return 'number';
  // Any JSON value is a schema that refers to itself.
  return type ?? 'unknown';
}
