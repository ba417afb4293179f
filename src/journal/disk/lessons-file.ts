/** The file of a journal folder that keeps lessons: which parameters models have refused. */
import type { Lesson, LessonStore } from '../lessons.ts';
import { type FileSystem, readAt, replaceFile } from './file-system.ts';

const NAME = 'parameters.json';
/** The most bytes that are read. Every file written here is smaller. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Returns the lesson store of a folder. If the file is missing, damaged or unwritable, lessons are learned again. */
export function lessonsFile(files: FileSystem, folder: string): LessonStore {
  const path = `${folder}/${NAME}`;
  return {
    read() {
      try {
        if (!files.exists(path)) return [];
        const file = files.openToRead(path);
        try {
          const lessons: unknown = JSON.parse(readAt(files, file, 0, MAX_BYTES).toString());
          return Array.isArray(lessons) ? lessons.filter(isLesson) : [];
        } finally {
          files.close(file);
        }
      } catch {
        return [];
      }
    },
    write(lessons) {
      try {
        replaceFile(files, path, Buffer.from(`${JSON.stringify(lessons, undefined, 2)}\n`));
      } catch {
        // The journal itself reports failures of the disk.
      }
    },
  };
}

function isLesson(value: unknown): value is Lesson {
  if (typeof value !== 'object' || value === null) return false;
  const { provider, baseUrl, model, drop, rename } = value as Partial<
    Record<keyof Lesson, unknown>
  >;
  return (
    [provider, baseUrl, model].every(isText) &&
    Array.isArray(drop) &&
    drop.every(isText) &&
    typeof rename === 'object' &&
    rename !== null &&
    Object.values(rename).every(isText)
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
