/**
 * Remembers which parameters models have refused, so that later calls of the engine are sent without them. With a disk
 * journal, later engines know them too.
 */
import { type LearnedChanges, type RefusedParameter, withRefusal } from '../model/parameters.ts';
import { dropOldest } from '../util/drop-oldest.ts';

/** The highest number of models that are remembered. */
const MAX_MODELS = 1_000;

/** A model at one server. The same provider and model at another base URL is another model. */
export interface AskedModel {
  readonly provider: string;
  readonly baseUrl: string;
  readonly model: string;
}

/** The parameter changes learned for one model. */
export interface Lesson extends AskedModel, LearnedChanges {}

/** A place where lessons are kept. Neither method throws. */
export interface LessonStore {
  read(): readonly Lesson[];
  write(lessons: readonly Lesson[]): void;
}

export class Lessons {
  readonly #store: LessonStore | undefined;
  readonly #byModel: Map<string, Lesson>;

  constructor(store?: LessonStore) {
    this.#store = store;
    this.#byModel = byModel(store?.read() ?? []);
  }

  of(asked: AskedModel): LearnedChanges | undefined {
    if (this.#byModel.size === 0) return undefined;
    return this.#byModel.get(keyOf(asked));
  }

  /** Notes that a model refused a parameter that was sent. Returns false if that was already known. */
  learn(asked: AskedModel, refused: RefusedParameter): boolean {
    const key = keyOf(asked);
    const known = this.#byModel.get(key) ?? { drop: [], rename: {} };
    const learned = withRefusal(known, refused);
    if (learned === known) return false;
    this.#byModel.set(key, { ...asked, ...learned });
    dropOldest(this.#byModel, MAX_MODELS);
    // Another process may have learned something meanwhile: its lessons are read back and stay.
    const kept = byModel([...(this.#store?.read() ?? []), ...this.#byModel.values()]);
    this.#store?.write([...kept.values()].slice(-MAX_MODELS));
    return true;
  }
}

function byModel(lessons: readonly Lesson[]): Map<string, Lesson> {
  return new Map(lessons.map((lesson) => [keyOf(lesson), lesson]));
}

function keyOf({ provider, baseUrl, model }: AskedModel): string {
  return JSON.stringify([provider, baseUrl, model]);
}
