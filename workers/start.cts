/**
 * The file that Piscina requires in each worker thread: it imports what the worker runs. Required themselves,
 * ES modules would end the whole process (SIGABRT in Node's loader) where the thread is ended meanwhile.
 */
const entry = import('./entry.ts');

module.exports = {
  // With it Piscina takes the exports as they are, and waits for them.
  __esModule: true,
  default: entry.then(({ default: runChunk }) => runChunk),
  runWaitingChunk: entry.then(({ runWaitingChunk }) => runWaitingChunk),
};
