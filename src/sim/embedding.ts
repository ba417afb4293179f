/** Embeddings: unit vectors made from a text's hash. Equal texts have equal vectors, other texts unrelated ones. */
import { RequestProblem } from './chat-request.ts';
import type { JsonRecord } from './json.ts';
import { MAX_DIMENSIONS, MAX_EMBEDDING_INPUTS } from './limits.ts';
import { createRandom, hashText, mixSeed, normal } from './random.ts';

const DEFAULT_DIMENSIONS = 256;

/** The parts of an embeddings call that the server uses. */
export interface EmbeddingCall {
  readonly inputs: readonly string[];
  readonly dimensions: number;
  readonly format: 'float' | 'base64';
}

/** Reads the body of an embeddings call. Throws `RequestProblem`. */
export function readEmbedding(body: JsonRecord): EmbeddingCall {
  const input = body['input'];
  const inputs: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (inputs.length === 0 || inputs.length > MAX_EMBEDDING_INPUTS) {
    throw new RequestProblem(400, `'input' must hold 1 to ${MAX_EMBEDDING_INPUTS} texts`);
  }
  if (!inputs.every((text) => typeof text === 'string')) {
    throw new RequestProblem(400, "'input' must be a text or a list of texts");
  }
  const dimensions = body['dimensions'] ?? DEFAULT_DIMENSIONS;
  if (!Number.isInteger(dimensions) || (dimensions as number) < 1) {
    throw new RequestProblem(400, "'dimensions' must be a whole number from 1");
  }
  if ((dimensions as number) > MAX_DIMENSIONS) {
    throw new RequestProblem(400, `'dimensions' must be at most ${MAX_DIMENSIONS}`);
  }
  const format = body['encoding_format'] ?? 'float';
  if (format !== 'float' && format !== 'base64') {
    throw new RequestProblem(400, "'encoding_format' must be float or base64");
  }
  return { inputs, dimensions: dimensions as number, format };
}

/** Returns the vector of a text: `dimensions` numbers with a length of 1. */
export function embed(text: string, dimensions: number): Float32Array {
  const random = createRandom(mixSeed(hashText(text), 1));
  const vector = Float32Array.from({ length: dimensions }, () => normal(random));
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
