import { assertUnreachable } from '../../errors.ts';
import type { JsonObject } from '../../util/json.ts';
import type { ChatRequest, HttpSettings } from '../chat.ts';
import { type ParameterChanges, parametersFor } from '../parameters.ts';
import { ANTHROPIC } from './anthropic.ts';
import { OPENAI } from './openai.ts';
import type { Protocol } from './protocol.ts';

/** Returns the protocol of a type of provider. */
export function protocolOf(type: HttpSettings['type']): Protocol {
  switch (type) {
    case 'openai-compatible':
      return OPENAI;
    case 'anthropic':
      return ANTHROPIC;
    default:
      return assertUnreachable(type);
  }
}

/** Returns the parameters of a request as its server gets them, with those that the engine adds by itself. */
export function sentParameters(
  settings: HttpSettings,
  request: ChatRequest,
  learned: ParameterChanges | undefined,
): JsonObject {
  const { model, parameters } = request;
  const { implied } = protocolOf(settings.type);
  return parametersFor(settings, model, parameters, learned, (told) =>
    implied(request, told, settings),
  );
}
