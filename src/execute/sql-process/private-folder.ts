/** The engine's private folder for what it hands to the process of the SQL cells. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, RvbbitError } from '../../errors.ts';

/** Made when it is first needed, readable by its owner alone (`mkdtemp` makes it 0700). */
export class PrivateFolder {
  #path: Promise<string> | undefined;
  #files = 0;

  path(): Promise<string> {
    // DuckDB compares real paths with those it may reach.
    this.#path ??= realpath(tmpdir())
      .then((temporary) => mkdtemp(join(temporary, 'rvbbit-sql-')))
      .catch((thrown: unknown) => {
        this.#path = undefined;
        throw new RvbbitError(
          'RVB_SQL',
          `no folder for the process of the SQL cells can be made: ${messageOf(thrown)}; TMPDIR says where`,
          { stage: 'execute', sqlState: '58030', cause: thrown },
        );
      });
    return this.#path;
  }

  /** A path in it that no other file has. */
  async newFile(): Promise<string> {
    const path = await this.path();
    this.#files += 1;
    return join(path, `${this.#files}.parquet`);
  }

  async close(): Promise<void> {
    const path = await this.#path?.catch(() => undefined);
    this.#path = undefined;
    if (path !== undefined) await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}
