// Generated files are committed; here they are made again and compared, byte for byte.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cascadeSchemaText } from '../dist/src/cascade/write-schema.js';
import { configSchemaText } from '../dist/src/model/write-config-schema.js';

const GENERATED = {
  'examples/cascade.schema.json': () => cascadeSchemaText(),
  'examples/config.schema.json': () => configSchemaText(),
  'examples/data/transactions.csv': () =>
    execFileSync(process.execPath, ['examples/data/make-transactions.mjs'], { encoding: 'utf8' }),
};
const stale = Object.entries(GENERATED)
  .filter(([file, make]) => readFileSync(file, 'utf8') !== make())
  .map(([file]) => file);
if (stale.length > 0) {
  console.error(`differs from what its script makes: ${stale.join(', ')}`);
  process.exit(1);
}
console.log(`generated: ${Object.keys(GENERATED).join(', ')}`);
