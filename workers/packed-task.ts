/**
 * The form in which a chunk's task travels. Its statement's settings go as one text: to clone them part by part, and
 * to find out each time which provider they name, costs more than the rest of a one-row chunk's message.
 */

import type { RunSettings } from '../src/run/contract.ts';
import { dropOldest } from '../src/util/drop-oldest.ts';
import type { ChunkTask } from './protocol.ts';

/** A task with the JSON of its settings. */
export interface PackedTask extends Omit<ChunkTask, 'settings'> {
  readonly settings: string;
}

const texts = new WeakMap<RunSettings, string>();

/** Main thread: packs a task. A statement's chunks share one settings object. */
export function packTask(task: ChunkTask): PackedTask {
  let settings = texts.get(task.settings);
  if (settings === undefined) {
    settings = JSON.stringify(task.settings);
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
    let settings = this.#read.get(task.settings);
    if (settings === undefined) {
      settings = JSON.parse(task.settings) as RunSettings;
      this.#read.set(task.settings, settings);
      dropOldest(this.#read, this.#max);
    }
    return { ...task, settings };
  }
}
