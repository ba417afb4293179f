/**
 * What checks of read-only texts have read of an instance's catalogue. DuckDB takes 10 to 100 ms to list its functions, so
 * the lists are kept until a statement of any session may have changed them.
 */
import { isOneStatement } from '../execution.ts';
import { transactionWord } from './readable-text.ts';

/** A view, or a function, whose text only a macro has. */
export interface Definition {
  readonly database: string;
  readonly kind: string;
  readonly sql: string | undefined;
}

/** The entries of a kind, by name in lower case. */
export type Definitions = ReadonlyMap<string, readonly Definition[]>;

/** What has been read so far. Temporary tables are not in it: each session has its own. */
export interface KnownCatalogue {
  views?: Definitions;
  functions?: Definitions;
  /** The macros of users: the query of each, by name in lower case. */
  macros?: readonly { readonly name: string; readonly query: string }[];
}

/** The catalogue of an instance as its sessions see it outside of transactions. */
export class CatalogueWatch {
  #shared: KnownCatalogue = {};
  #changing = 0;

  /** The lists as of now, a new object after each change; undefined while a statement runs that may change them. */
  get shared(): KnownCatalogue | undefined {
    return this.#changing === 0 ? this.#shared : undefined;
  }

  /** Notes the start of a statement that may change definitions. Returns the function that notes its end. */
  begin(): () => void {
    this.#changing += 1;
    this.#shared = {};
    return () => {
      this.#changing -= 1;
      this.#shared = {};
    };
  }
}

/** What one session may take as known: in a transaction, only what it has read there. */
export class SessionCatalogue {
  readonly #watch: CatalogueWatch;
  readonly #isReadOnly: boolean;
  #inTransaction = false;
  /** True if a text since the end of the latest transaction may have changed definitions. */
  #hasChanges = false;
  #here: { readonly since: KnownCatalogue; readonly known: KnownCatalogue } | undefined;

  constructor(watch: CatalogueWatch, isReadOnly: boolean) {
    this.#watch = watch;
    this.#isReadOnly = isReadOnly;
  }

  get known(): KnownCatalogue {
    const { shared } = this.#watch;
    if (shared === undefined || !this.#inTransaction) return shared ?? {};
    if (this.#here?.since !== shared) this.#here = { since: shared, known: {} };
    return this.#here.known;
  }

  /** Notes the start of a text. Returns the function that notes its end, and whether the text did all that it should. */
  begin(sql: string): (isDone: boolean) => void {
    const word = transactionWord(sql);
    const mayChange = !isOneStatement(sql) || (word === 'end' && this.#hasChanges);
    const end = mayChange && !this.#isReadOnly ? this.#watch.begin() : undefined;
    this.#hasChanges ||= mayChange;
    return (isDone) => {
      end?.();
      if (word === undefined) return;
      this.#here = undefined;
      // A transaction whose end has failed may be open still.
      if (word === 'begin') this.#inTransaction = true;
      else if (isDone) {
        this.#inTransaction = false;
        this.#hasChanges = false;
      }
    };
  }
}
