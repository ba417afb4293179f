/** The ways in which a provider is asked: what holds for one holds for each. */

export interface Flavour {
  readonly name: string;
  readonly provider: {
    readonly type?: 'openai-compatible' | 'anthropic';
    readonly stream?: boolean;
  };
}

export const FLAVOURS: readonly Flavour[] = [
  { name: 'openai', provider: {} },
  { name: 'openai, streamed', provider: { stream: true } },
  { name: 'anthropic', provider: { type: 'anthropic' } },
  { name: 'anthropic, streamed', provider: { type: 'anthropic', stream: true } },
];
