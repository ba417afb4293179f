/** The folders of the cascades that the benchmarks run. They are in the source tree, not in the build. */
import { fileURLToPath } from 'node:url';

export const cascadeRoot = fileURLToPath(new URL('../../bench/cascades', import.meta.url));
export const examplesRoot = fileURLToPath(new URL('../../examples/cascades', import.meta.url));
export const shapesRoot = fileURLToPath(new URL('../../bench/shapes', import.meta.url));
