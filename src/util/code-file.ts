/** Where the code of this package runs from. */
import { pathToFileURL } from 'node:url';

/** The URL of the file that holds this code: of this package, or of an application that was bundled together with it. */
export function codeFile(): string {
  // A bundle in CommonJS has no import.meta.
  return (import.meta.url as string | undefined) ?? pathToFileURL(__filename).href;
}
