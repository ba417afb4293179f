/** What an engine without a model says: the ways to get one. */
import { RvbbitError, type Stage } from '../errors.ts';

const WAYS = `Ways to get one:
  Ollama, local:     ollama pull qwen3:8b;  OLLAMA_HOST=127.0.0.1:11434  RVBBIT_MODEL=ollama/qwen3:8b
  OpenRouter:        OPENROUTER_API_KEY=…   RVBBIT_MODEL=openrouter/openai/gpt-4o-mini
  OpenAI:            OPENAI_API_KEY=…       RVBBIT_MODEL=openai/gpt-4o-mini
  vLLM, llama.cpp:   OPENAI_BASE_URL=http://127.0.0.1:8000/v1  RVBBIT_MODEL=openai/<the served model>
Or name a provider and a model in rvbbit.config.yaml; see docs/models.md.`;

/** RVB_NO_MODEL: `what` has none, and how it gets one. */
export function noModelError(
  what = 'a cell with instructions needs a model, and none is configured',
  stage: Stage = 'execute',
): RvbbitError {
  return new RvbbitError('RVB_NO_MODEL', `${what}. ${WAYS}`, { stage });
}
