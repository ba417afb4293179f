import { assertUnreachable } from '../../errors.ts';
import type { HttpSettings } from '../chat.ts';
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
