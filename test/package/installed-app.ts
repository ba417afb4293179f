/** An application's folder with this package in it, as `npm install` of the packed tarball leaves it. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const exec = promisify(execFile);

/** A file of the tarball. */
export interface PackedFile {
  readonly path: string;
  readonly size: number;
}

export interface InstalledApp {
  readonly folder: string;
  /** The file that npm packed. */
  readonly tarball: string;
  readonly files: readonly PackedFile[];
  /** Bytes of all files. */
  readonly unpackedSize: number;
  /** Writes a file of the application. */
  write(path: string, text: string): string;
  /** Runs node in the application's folder. Throws where it fails; gives what it printed. */
  node(...args: readonly string[]): Promise<{ stdout: string; stderr: string }>;
  remove(): void;
}

/**
 * Packs what is built and unpacks it. The packages that it declares are links to those of this repository, so nothing is
 * downloaded; packages that are only used to build it are not there.
 */
export async function installApp(): Promise<InstalledApp> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-app-'));
  const modules = join(folder, 'node_modules');
  const install = (name: string) => {
    const link = join(modules, name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  };
  const packed = await exec(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    { cwd: root, maxBuffer: 2 ** 24 },
  );
  // An array, or an object by name: npm's versions differ.
  const [{ filename, files, unpackedSize }] = Object.values(JSON.parse(packed.stdout)) as [
    { filename: string; files: readonly PackedFile[]; unpackedSize: number },
  ];
  mkdirSync(join(modules, 'rvbbit'), { recursive: true });
  await exec('tar', [
    '-xzf',
    join(folder, filename),
    '--strip-components=1',
    '-C',
    join(modules, 'rvbbit'),
  ]);
  const { bin, dependencies } = JSON.parse(
    readFileSync(join(modules, 'rvbbit/package.json'), 'utf8'),
  ) as { bin: { rvbbit: string }; dependencies: Record<string, string> };
  for (const name of [...Object.keys(dependencies), '@opentelemetry/api']) install(name);
  mkdirSync(join(modules, '.bin'));
  symlinkSync(join('../rvbbit', bin.rvbbit), join(modules, '.bin/rvbbit'));
  chmodSync(join(modules, 'rvbbit', bin.rvbbit), 0o755);
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "private": true }\n');
  mkdirSync(join(folder, 'cascades'));
  writeFileSync(join(folder, 'cascades/twice.yaml'), TWICE);
  return {
    folder,
    tarball: join(folder, filename),
    files,
    unpackedSize,
    write(path, text) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    node: (...args) => exec(process.execPath, args, { cwd: folder }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const TWICE = `cascade_id: twice
cells:
  - { name: twice, tool: js, inputs: { code: 'return input.n * 2;' } }
`;

/** The body of an application: a MAP with a js cell, and the grammar. Prints `42 Map`. */
export const BODY = `
async function main() {
  const engine = await Engine.open({ cascades: 'cascades', threads: 1 });
  try {
    const { rows } = await engine.query("RVBBIT MAP 'twice.yaml' AS twice USING (SELECT 21 AS n)");
    const { statements } = parse("RVBBIT MAP 'twice.yaml' USING (SELECT 1)");
    console.log(rows[0].twice, statements[0].kind);
  } finally {
    await engine.close();
  }
}
main().catch((error) => {
  console.log(error.code, error.message);
  process.exitCode = 1;
});
`;
