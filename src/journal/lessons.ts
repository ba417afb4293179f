/** What models' refusals of parameters have taught, for the calls of an engine; a disk journal keeps it for later ones. */
import { type LearnedChanges, type RefusedParameter, withRefusal } from '../model/parameters.ts';
import { dropOldest } from '../util/drop-oldest.ts';

/** Models that are kept in mind at most. */
const MAX_MODELS = 1_000;

/** A model at its server: a provider that is pointed elsewhere is another one. */
export interface AskedModel {
  readonly provider: string;
  readonly baseUrl: string;
  readonly model: string;
}

/** What was learned of a model. */
export interface Lesson extends AskedModel, LearnedChanges {}

/** Where lessons are kept. Neither call throws. */
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

  /** Takes note that a model refused a parameter that was sent; false where it teaches nothing new. */
  learn(asked: AskedModel, refused: RefusedParameter): boolean {
    const key = keyOf(asked);
    const known = this.#byModel.get(key) ?? { drop: [], rename: {} };
    const learned = withRefusal(known, refused);
    if (learned === known) return false;
    this.#byModel.set(key, { ...asked, ...learned });
    dropOldest(this.#byModel, MAX_MODELS);
    // What another process has learned meanwhile stays.
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
