/** Eleven model servers, each with what its documentation says it takes and refuses. */
import type { JsonObject } from '../../src/util/json.ts';

type Body = Readonly<Record<string, unknown>>;

/** An answer that refuses a request. */
export interface Refusal {
  readonly status: number;
  readonly body: unknown;
}

export interface Dialect {
  readonly name: string;
  /** Where its rules are from. */
  readonly source: string;
  /** The provider as a user would name it. The address is the test's, so no other setting of its preset counts. */
  readonly provider: string;
  /** Settings that its documentation or ours tells a user to give. */
  readonly settings?: JsonObject;
  readonly model: string;
  readonly path: string;
  /** Parameters of the body beside the model and the messages. */
  readonly takes: readonly string[];
  /** What it does with others: leaves them, or refuses the request. */
  readonly unknown: 'left' | ((name: string) => Refusal);
  /** What else it refuses. */
  readonly check?: (body: Body) => Refusal | undefined;
  /** Requests that it may refuse in all, each for a parameter that the engine learns of. */
  readonly lessons: number;
}

const openAiError = (message: string, param: string | null, code: string | null): Refusal => ({
  status: 400,
  body: { error: { message, type: 'invalid_request_error', param, code } },
});
const unrecognized = (name: string) =>
  openAiError(`Unrecognized request argument supplied: ${name}`, null, null);

const COMMON = ['temperature', 'top_p', 'max_tokens', 'stop', 'stream', 'response_format'];
const OPENAI = [
  ...COMMON,
  ...['max_completion_tokens', 'seed', 'n', 'stream_options', 'reasoning_effort', 'user', 'tools'],
];

/** The kind of answer that is asked for; a schema must be named. */
function formatOf(body: Body): string | undefined {
  const format = body['response_format'] as Body | undefined;
  return format === undefined ? undefined : String(format['type']);
}

/** Roles and contents as every server of OpenAI's protocol wants them. */
function checkMessages({ messages }: Body): Refusal | undefined {
  const list = Array.isArray(messages) ? (messages as readonly Body[]) : [];
  const areWhole = list.every(
    ({ role, content }) =>
      /^(system|user|assistant)$/.test(String(role)) && typeof content === 'string',
  );
  return list.length > 0 && areWhole
    ? undefined
    : openAiError('messages are not whole', 'messages', null);
}

/** Reasoning models sample at one temperature and count thoughts with the answer. */
function checkReasoning(body: Body): Refusal | undefined {
  if ('max_tokens' in body) {
    return openAiError(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
      'unsupported_parameter',
    );
  }
  for (const name of ['temperature', 'top_p']) {
    if (name in body && body[name] !== 1) {
      return openAiError(
        `Unsupported value: '${name}' does not support ${body[name]} with this model. Only the default (1) value is supported.`,
        name,
        'unsupported_value',
      );
    }
  }
  return checkMessages(body);
}

const ANTHROPIC = [
  ...['max_tokens', 'system', 'temperature', 'top_p', 'top_k', 'stop_sequences', 'stream'],
  ...['tools', 'tool_choice', 'metadata', 'thinking'],
];
const extraInput = (name: string) => anthropicError(`${name}: Extra inputs are not permitted`);

function checkAnthropic(body: Body): Refusal | undefined {
  const { max_tokens: most, messages, temperature, tools, tool_choice: choice } = body;
  if (typeof most !== 'number') return anthropicError('max_tokens: Field required');
  if (typeof temperature === 'number' && temperature > 1)
    return anthropicError('temperature: Input should be less than or equal to 1');
  const [first] = messages as readonly Body[];
  if (first?.['role'] !== 'user')
    return anthropicError('messages: first message must use the "user" role');
  if ((messages as readonly Body[]).some(({ role }) => role === 'system'))
    return anthropicError('messages: Unexpected role "system"');
  const isForced = (choice as Body | undefined)?.['type'] === 'tool';
  return isForced && tools === undefined
    ? anthropicError('tool_choice may only be specified while providing tools')
    : undefined;
}

export const DIALECTS: readonly Dialect[] = [
  {
    name: 'OpenAI, a chat model',
    source: 'https://platform.openai.com/docs/api-reference/chat/create',
    provider: 'openai',
    settings: { responseFormat: 'json_schema' },
    model: 'gpt-4o-mini',
    path: '/v1/chat/completions',
    takes: OPENAI,
    unknown: unrecognized,
    check: (body) => {
      const { json_schema: schema } = (body['response_format'] ?? {}) as Body;
      const isNamed = schema === undefined || typeof (schema as Body)['name'] === 'string';
      return isNamed
        ? checkMessages(body)
        : openAiError('Missing required parameter', 'response_format.json_schema.name', null);
    },
    lessons: 0,
  },
  {
    name: 'OpenAI, a reasoning model behind a gateway',
    source: 'https://platform.openai.com/docs/guides/reasoning',
    provider: 'openai',
    settings: { responseFormat: 'json_schema' },
    model: 'o4-mini',
    path: '/v1/chat/completions',
    takes: OPENAI,
    unknown: unrecognized,
    check: checkReasoning,
    lessons: 1,
  },
  {
    name: 'Azure OpenAI, a reasoning model by the name of its deployment',
    source: 'https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning',
    provider: 'azure',
    settings: { responseFormat: 'json_schema' },
    model: 'our-deployment',
    path: '/v1/chat/completions',
    takes: OPENAI,
    unknown: unrecognized,
    check: checkReasoning,
    lessons: 1,
  },
  {
    name: 'Anthropic, a model with structured output',
    source: 'https://platform.claude.com/docs/en/build-with-claude/structured-outputs',
    provider: 'anthropic',
    settings: { type: 'anthropic' },
    model: 'claude-haiku-4-5',
    path: '/v1/messages',
    takes: [...ANTHROPIC, 'output_config'],
    unknown: extraInput,
    check: checkAnthropic,
    lessons: 0,
  },
  {
    name: 'Anthropic, an older model behind a gateway',
    source: 'https://docs.anthropic.com/en/api/messages',
    provider: 'anthropic',
    settings: { type: 'anthropic' },
    model: 'claude-3-5-haiku-latest',
    path: '/v1/messages',
    takes: ANTHROPIC,
    unknown: extraInput,
    check: checkAnthropic,
    lessons: 1,
  },
  {
    name: "Gemini, OpenAI's protocol",
    source: 'https://ai.google.dev/gemini-api/docs/openai',
    provider: 'gemini',
    model: 'gemini-2.0-flash',
    path: '/v1/chat/completions',
    takes: [...COMMON, 'n', 'stream_options', 'reasoning_effort', 'tools', 'tool_choice'],
    unknown: (name) => ({
      status: 400,
      body: [
        {
          error: {
            code: 400,
            message: `Invalid JSON payload received. Unknown name "${name}": Cannot find field.`,
            status: 'INVALID_ARGUMENT',
          },
        },
      ],
    }),
    check: checkMessages,
    lessons: 0,
  },
  {
    name: 'Mistral',
    source: 'https://docs.mistral.ai/api/endpoint/chat',
    provider: 'mistral',
    model: 'mistral-small-latest',
    path: '/v1/chat/completions',
    takes: [...COMMON, 'random_seed', 'n', 'tools', 'tool_choice', 'safe_prompt'],
    unknown: (name) => ({
      status: 422,
      body: {
        detail: [
          { type: 'extra_forbidden', loc: ['body', name], msg: 'Extra inputs are not permitted' },
        ],
      },
    }),
    check: checkMessages,
    lessons: 0,
  },
  {
    name: 'Groq',
    source: 'https://console.groq.com/docs/openai',
    provider: 'groq',
    model: 'llama-3.1-8b-instant',
    path: '/v1/chat/completions',
    takes: [
      ...COMMON,
      'max_completion_tokens',
      'seed',
      'n',
      'stream_options',
      'tools',
      'reasoning_effort',
    ],
    unknown: (name) => openAiError(`property '${name}' is unsupported`, null, null),
    check: (body) =>
      formatOf(body) === 'json_schema'
        ? openAiError(
            'This model does not support response format `json_schema`.',
            'response_format',
            null,
          )
        : checkMessages(body),
    lessons: 0,
  },
  {
    name: 'DeepSeek',
    source: 'https://api-docs.deepseek.com/guides/json_mode',
    provider: 'deepseek',
    model: 'deepseek-chat',
    path: '/v1/chat/completions',
    takes: [...COMMON, 'stream_options', 'tools', 'logprobs'],
    unknown: 'left',
    check: (body) => {
      const format = formatOf(body);
      if (format === 'json_schema')
        return openAiError(
          'This response_format type is unavailable now',
          null,
          'invalid_request_error',
        );
      const text = JSON.stringify(body['messages']);
      const isTold = format !== 'json_object' || /json/i.test(text);
      return isTold
        ? checkMessages(body)
        : openAiError(
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
            null,
            null,
          );
    },
    lessons: 0,
  },
  {
    name: 'Ollama',
    source: 'https://docs.ollama.com/api/openai-compatibility',
    provider: 'ollama',
    model: 'llama3.2',
    path: '/v1/chat/completions',
    takes: [...COMMON, 'seed', 'stream_options', 'tools', 'reasoning_effort'],
    unknown: 'left',
    check: checkMessages,
    lessons: 0,
  },
  {
    name: 'LM Studio',
    source: 'https://lmstudio.ai/docs/developer/openai-compat/structured-output',
    provider: 'lmstudio',
    model: 'qwen2.5-7b-instruct',
    path: '/v1/chat/completions',
    takes: [...COMMON, 'seed', 'stream_options', 'tools'],
    unknown: 'left',
    check: (body) =>
      formatOf(body) === 'json_object'
        ? { status: 400, body: { error: "'response_format.type' must be 'json_schema' or 'text'" } }
        : checkMessages(body),
    lessons: 0,
  },
];

function anthropicError(message: string): Refusal {
  return {
    status: 400,
    body: { type: 'error', error: { type: 'invalid_request_error', message } },
  };
}
