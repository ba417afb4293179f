/**
 * The form in which chunks' tasks travel. A statement's settings go as one text: to clone them part by part, and to
 * find out each time which provider they name, costs more than the rest of a one-row chunk's message. The text stands
 * in an object, because a message holds an object only once, however many of its tasks refer to it.
 */

import type { RunSettings } from '../src/run/contract.ts';
import { dropOldest } from '../src/util/drop-oldest.ts';
import type { ChunkTask } from './protocol.ts';

/** Settings as JSON. */
interface SettingsText {
  readonly json: string;
}

export interface PackedTask extends Omit<ChunkTask, 'settings'> {
  readonly settings: SettingsText;
}

const texts = new WeakMap<RunSettings, SettingsText>();

/** Main thread: packs a task. A statement's chunks share one settings object. */
export function packTask(task: ChunkTask): PackedTask {
  let settings = texts.get(task.settings);
  if (settings === undefined) {
    settings = { json: JSON.stringify(task.settings) };
    texts.set(task.settings, settings);
  }
  return { ...task, settings };
}

/** Worker: reads settings. The same text gives the same object. Keeps the settings of the last few statements. */
export class SettingsReader {
  readonly #max: number;
  readonly #read = new Map<string, RunSettings>();

  constructor(max: number) {
    this.#max = max;
  }

  unpack(task: PackedTask): ChunkTask {
    const { json } = task.settings;
    let settings = this.#read.get(json);
    if (settings === undefined) {
      settings = JSON.parse(json) as RunSettings;
      this.#read.set(json, settings);
      dropOldest(this.#read, this.#max);
    }
    return { ...task, settings };
  }
}
