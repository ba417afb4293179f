/**
 * The file that Piscina requires in each worker thread. It imports the worker's code. If ES modules were required
 * directly and the thread was ended meanwhile, the whole process would end (SIGABRT in Node's loader).
 */
const entry = import('./entry.ts');

module.exports = {
  // With this flag, Piscina takes the exports as they are, and waits for them.
  __esModule: true,
  default: entry.then(({ default: runChunks }) => runChunks),
};
