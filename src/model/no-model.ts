/** The error of an engine without a model. */
import { RvbbitError, type Stage } from '../errors.ts';

/** This text must be short, since a failure's message is cut at 500 characters. */
const WAYS = `Ways to get one:
  Ollama:      OLLAMA_HOST=127.0.0.1:11434 RVBBIT_MODEL=ollama/qwen3:8b
  OpenRouter:  OPENROUTER_API_KEY=… RVBBIT_MODEL=openrouter/openai/gpt-4o-mini
  OpenAI:      OPENAI_API_KEY=… RVBBIT_MODEL=openai/gpt-4o-mini
  Anthropic:   ANTHROPIC_API_KEY=… RVBBIT_MODEL=anthropic/claude-haiku-4-5
  vLLM:        OPENAI_BASE_URL=http://127.0.0.1:8000/v1 RVBBIT_MODEL=openai/<its model>
or rvbbit.config.yaml; see docs/models.md`;

/** Returns an RVB_NO_MODEL error. `what` says what lacks a model; the message adds the ways to configure one. */
export function noModelError(
  what = 'a cell with instructions needs a model, and none is configured',
  stage: Stage = 'execute',
): RvbbitError {
  return new RvbbitError('RVB_NO_MODEL', `${what}. ${WAYS}`, { stage });
}
