/** The files of a job's batches. Each is written before its batch is created, so that no batch is lost. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './job-folder.ts';

/** A batch that was sent to a provider, or was about to be. */
export interface BatchManifest {
  /** The engine's own name for the batch. */
  readonly id: string;
  /** Counts the batches of a job. */
  readonly number: number;
  readonly provider: string;
  readonly model: string;
  readonly createdMs: number;
  /** The call key of each request. */
  readonly keys: readonly string[];
  /** The provider's id of the batch, once it is known. */
  readonly batch?: string;
}

/** Returns the batches of a folder in the order in which they were made. */
export function readManifests(folder: string): BatchManifest[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => read(join(folder, name)))
    .sort((a, b) => a.number - b.number);
}

/** Writes a batch onto the disk. */
export function writeManifest(folder: string, manifest: BatchManifest): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeWhole(folder, manifest.id, manifest, true);
}

/** Forgets a batch that was never created. */
export function dropManifest(folder: string, { id }: BatchManifest): void {
  rmSync(join(folder, `${id}.json`), { force: true });
}

/** Returns no manifest if the engine that runs the job has dropped it meanwhile. */
function read(path: string): BatchManifest[] {
  try {
    return [JSON.parse(readFileSync(path, 'utf8')) as BatchManifest];
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}
