/** `rvbbit doctor`: checks the installation by running a small cascade. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { findCascades } from '../../cascade/find-cascades.ts';
import type { Engine } from '../../engine.ts';
import { messageOf } from '../../errors.ts';
import { packageVersion } from '../../util/version.ts';
import { readConfiguration } from '../configuration.ts';
import { exitCodeOf, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { cascadeRoots, givenRoots } from '../session.ts';
import { stdoutStyle } from '../stderr.ts';
import { visible, visibleLines } from '../text/escape.ts';

/** The result of one check. */
interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const MIN_NODE = [20, 19] as const;

const PROBE = `cascade_id: doctor
inputs_schema: { type: object, required: [n], properties: { n: { type: integer } } }
cells:
  - { name: answer, tool: js, inputs: { code: "return input.n + 1;" } }
`;

/** Prints what works and what does not, as text or JSON. Returns 1 if something is broken. */
export async function doctor(words: readonly string[], options: CliOptions): Promise<number> {
  refuseWord(words[0], 'rvbbit doctor --help');
  givenRoots(options);
  const checks = [
    nodeCheck(),
    ...(await engineChecks(options)),
    await configurationCheck(),
    await cascadeCheck(options),
    ...machineChecks(),
  ];
  const ok = checks.every((check) => check.ok);
  if (options.json) {
    const report = { ok, version: packageVersion(), checks };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } else {
    const lines = checks.map((check) => {
      const mark = check.ok ? stdoutStyle('green', 'ok') : stdoutStyle('red', 'broken');
      const detail = visibleLines(check.detail).replaceAll('\n', `\n${' '.repeat(29)}`);
      return `${mark}${' '.repeat(check.ok ? 7 : 3)}${check.name.padEnd(20)}${detail}\n`;
    });
    process.stdout.write(`rvbbit ${packageVersion()}\n${lines.join('')}`);
  }
  return exitCodeOf(ok ? [] : ['failed']);
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  const detail = `${process.version}${ok ? '' : `: ${MIN_NODE.join('.')} or later is needed`}`;
  return { name: 'Node', ok, detail };
}

async function attempt(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (thrown) {
    return { name, ok: false, detail: messageOf(thrown) };
  }
}

/** Opens an engine without state folder and configuration. A check then leaves no files and depends on nothing else. */
async function openBare(
  { threads }: CliOptions,
  cascades: string | readonly string[],
): Promise<Engine> {
  const { Engine } = await import('../../engine.ts');
  return Engine.openLean({ cascades, ...(threads === undefined ? {} : { threads }) });
}

function configurationCheck(): Promise<Check> {
  return attempt('configuration', async () => {
    const { model } = await readConfiguration();
    return model === undefined ? 'no model is configured' : `model ${model.value}`;
  });
}

async function engineChecks(options: CliOptions): Promise<Check[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rvbbit-doctor-'));
  try {
    await writeFile(join(folder, 'doctor.yaml'), PROBE);
    const engine = await openBare(options, folder);
    try {
      return [
        await attempt('DuckDB', async () => {
          const { rows } = await engine.query('SELECT version() AS v');
          return String(rows[0]?.['v']);
        }),
        await attempt('worker threads', async () => {
          const started = performance.now();
          const { rows, summary } = await engine.query(
            "RVBBIT MAP 'doctor.yaml' USING (SELECT 41 AS n)",
          );
          const [failure] = summary.failures;
          if (failure !== undefined) throw new Error(`${failure.code}: ${failure.message}`);
          if (rows[0]?.['result'] !== '42') throw new Error(`41 + 1 = ${rows[0]?.['result']}`);
          return `a cascade ran in ${Math.round(performance.now() - started)} ms`;
        }),
      ];
    } finally {
      await engine.close();
    }
  } catch (thrown) {
    return [{ name: 'engine', ok: false, detail: messageOf(thrown) }];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function cascadeCheck(options: CliOptions): Promise<Check> {
  return attempt('cascade files', async () => {
    const roots = await cascadeRoots(options);
    const paths = await findCascades(roots);
    const engine = await openBare(options, roots);
    const errors: string[] = [];
    try {
      for (const path of paths) {
        await engine.loadCascade(path).catch((thrown: unknown) => {
          errors.push(`${visible(path)}: ${messageOf(thrown)}`);
        });
      }
    } finally {
      await engine.close();
    }
    const valid = `${paths.length - errors.length}/${paths.length} valid under ${roots.join(', ')}`;
    if (errors.length > 0) throw new Error([valid, ...errors].join('\n'));
    return valid;
  });
}

function machineChecks(): Check[] {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const memory = `${gib(totalmem())}, ${gib(freemem())} free`;
  return [
    { name: 'cores', ok: true, detail: String(availableParallelism()) },
    { name: 'memory', ok: true, detail: memory },
    {
      name: 'UV_THREADPOOL_SIZE',
      ok: true,
      detail: process.env['UV_THREADPOOL_SIZE'] ?? '4 (default; DuckDB calls at a time)',
    },
  ];
}
