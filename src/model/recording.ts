/**
 * A recording: a file of answered model calls, one call per line as JSON, in the order of their answers. The engine
 * only appends to the file. A person may read it and delete lines.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../errors.ts';
import type { ChatRequest, ChatResponse } from './chat.ts';
import { readFunctionAnswer } from './function-answer.ts';
import { member } from './provider-error.ts';
import { requestHash } from './request-hash.ts';

/** The size limit of a recording, since each worker holds the whole recording in memory. */
const RECORDING_MAX_BYTES = 64 * 1024 * 1024;

/** The recorded answers by request hash, in the order of the file. */
export type Recording = ReadonlyMap<string, readonly ChatResponse[]>;

const NEWLINE = 0x0a;

/**
 * Appends a call and its answer. Each line is a single write to the end of the file, so lines of concurrent threads
 * and processes never mix. Throws errors of the file system.
 */
export function appendToRecording(
  file: string,
  request: ChatRequest,
  response: ChatResponse,
): void {
  const { model, messages, parameters, responseSchema } = request;
  const asked = { model, messages, parameters, ...(responseSchema ? { responseSchema } : {}) };
  const line = `${JSON.stringify({ hash: requestHash(request), request: asked, response })}\n`;
  mkdirSync(dirname(file), { recursive: true });
  const fd = openSync(file, 'a+');
  try {
    const bytes = Buffer.from(isTorn(fd) ? `\n${line}` : line);
    const written = writeSync(fd, bytes);
    if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes fit`);
  } finally {
    closeSync(fd);
  }
}

/** True if the last line has no end, because its writer was interrupted. */
function isTorn(fd: number): boolean {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
}

/** Returns a text that changes whenever the file does; undefined without a file. Throws errors of the file system. */
export async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { mtimeNs, size, ino } = await stat(file, { bigint: true });
    return `${mtimeNs}:${size}:${ino}`;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Reads a recording. Ignores a last line without a line break. Throws an Error that names a damaged line. */
export async function readRecording(file: string): Promise<Recording> {
  const bytes = await readFile(file);
  if (bytes.length > RECORDING_MAX_BYTES) {
    throw new Error(`it has ${bytes.length} bytes, and ${RECORDING_MAX_BYTES} is the most`);
  }
  const lines = bytes.toString('utf8').split('\n').slice(0, -1);
  const recording = new Map<string, ChatResponse[]>();
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const call = readLine(line, index + 1);
    const answers = recording.get(call.hash);
    if (answers === undefined) recording.set(call.hash, [call.response]);
    else answers.push(call.response);
  }
  return recording;
}

/** Reads one line. Computes the hash again, so that a request edited by hand is not found under its old hash. */
function readLine(line: string, number: number): { hash: string; response: ChatResponse } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (thrown) {
    throw new Error(`line ${number} is not JSON (${messageOf(thrown, 80)}); delete it`);
  }
  const request = member(value, 'request');
  const answer = readFunctionAnswer('recorded', member(value, 'response'));
  if (!isRequest(request) || !answer.ok) {
    throw new Error(`line ${number} is not a recorded call; delete it`);
  }
  const hash = requestHash(request);
  const said = member(value, 'hash');
  if (said !== undefined && said !== hash) {
    throw new Error(`line ${number}: its hash is not that of its request; delete the hash`);
  }
  return { hash, response: answer.response };
}

function isRequest(value: unknown): value is ChatRequest {
  const messages = member(value, 'messages');
  const parameters = member(value, 'parameters');
  return (
    typeof member(value, 'model') === 'string' &&
    Array.isArray(messages) &&
    messages.every((message: unknown) => typeof member(message, 'content') === 'string') &&
    typeof parameters === 'object' &&
    parameters !== null
  );
}
