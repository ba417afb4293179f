/** The child of guard-yaml.test.ts: reads hostile files and reports each; its death is the finding. */
import { writeFileSync } from 'node:fs';
import { guardYaml } from '../../src/cascade/guard-yaml.ts';
import { loadCascadeText } from '../../src/cascade/load-cascade.ts';
import { RvbbitError } from '../../src/errors.ts';
import { type HostileFile, listedFiles, mutatedFile, randomFrom } from './hostile-yaml.ts';

const seed = Number(process.argv[2]);
const mutated = Number(process.argv[3]);
const budgetMs = Number(process.argv[4]);
const report = process.argv[5]!;
const findings: string[] = [];
let slowestMs = 0;
let count = 0;
let refused = 0;

async function attempt(file: HostileFile): Promise<{ error: unknown; ms: number }> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  let error: unknown;
  try {
    const guarded = guardYaml(file.bytes, 'x.yaml');
    if (!guarded.ok) error = new RvbbitError('RVB_CASCADE_INVALID', '', { stage: 'cascade' });
    else await loadCascadeText(guarded.text, { file: 'x.yaml', root: '/nowhere' });
  } catch (thrown) {
    error = thrown;
  }
  // The processor's time where it is less: other processes are not the file's doing.
  const { user, system } = process.cpuUsage(cpu);
  return { error, ms: Math.min(performance.now() - start, (user + system) / 1_000) };
}

async function read(file: HostileFile, mayBeValid: boolean): Promise<void> {
  count++;
  const before = process.memoryUsage();
  const { error, ms } = await attempt(file);
  const after = process.memoryUsage();
  const grownMb = (after.heapUsed + after.external - before.heapUsed - before.external) / 1e6;
  slowestMs = Math.max(slowestMs, ms);
  const name = file.name.slice(0, 3_000);
  if (error !== undefined) refused++;
  if (ms > 100) {
    // A pause of the collector or of the machine is not the file's doing: a slow file is slow each time.
    const again = [ms];
    for (let i = 0; i < 4; i++) again.push((await attempt(file)).ms);
    if (Math.min(...again) > 100) findings.push(`${Math.min(...again).toFixed(0)} ms: ${name}`);
  }
  if (grownMb > 64) findings.push(`${grownMb.toFixed(0)} MB: ${name}`);
  if (error !== undefined && !(error instanceof RvbbitError))
    findings.push(`${String(error)}: ${name}`);
  if (!mayBeValid && (error === undefined) !== (file.valid === true)) {
    findings.push(`${error === undefined ? 'accepted' : `refused: ${String(error)}`}: ${name}`);
  }
}

const started = performance.now();
await loadCascadeText('cells: [{ name: warm, tool: js, inputs: { code: return 1 } }]');
for (const file of listedFiles()) await read(file, false);
const next = randomFrom(seed);
for (let i = 0; i < mutated && performance.now() - started < budgetMs; i++) {
  await read(mutatedFile(next), true);
}
if (Object.hasOwn(Object.prototype, 'polluted')) findings.push('Object.prototype was polluted');
writeFileSync(report, JSON.stringify({ count, refused, findings, slowestMs }));
