/** Runs a cell with `instructions`: renders its prompts, asks the model, and reads and checks the answer. */
import { renderTemplate, type Template, type TemplateContext } from '../../cascade/template.ts';
import { RvbbitError } from '../../errors.ts';
import {
  type ChatMessage,
  type ChatRequest,
  type ChatResponse,
  type ModelTarget,
  providerOf,
  withFallbacks,
} from '../../model/chat.ts';
import { readJsonAnswer } from '../../model/json-answer.ts';
import { noModelError } from '../../model/no-model.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import { callModel, ModelUnavailableError, type ReadAnswer } from '../call-model.ts';
import type { InstructionsCellProgram } from '../program.ts';
import { type Run, type RunContext, type TimeLimit, timeLimit } from '../run-state.ts';
import { imagesOf } from './images.ts';
import { refusalMessages } from './refusals.ts';

/**
 * The most questions of one cell to one model, not counting retries: an answer that does not fit the schema is asked for
 * once more.
 */
const MAX_ASKS = 2;

/**
 * Asks the model, and returns the text of its answer, or with `output_schema` the JSON in it. If a usable answer was
 * found ahead of the row, returns its value at once.
 */
export function runInstructionsCell(
  cell: InstructionsCellProgram,
  run: Run,
  outputs: JsonObject,
): Json | Promise<Json> {
  const ready = takeForeseen(cell, run);
  const found = ready?.found;
  if (found === undefined) return ask(cell, run, outputs, ready);
  const answer = readAnswer(cell, found);
  if (!answer.ok) return ask(cell, run, outputs, ready);
  run.context.answerUsed?.(found.callKey);
  return answer.value;
}

/** Asks the cell's model. If it is unavailable, asks its fallbacks in order. */
async function ask(
  cell: InstructionsCellProgram,
  run: Run,
  outputs: JsonObject,
  foreseen: Foreseen | undefined,
): Promise<Json> {
  const { context, bounds } = run;
  const { name, model, label, timeoutMs } = cell;
  const target = context.modelTarget({ name, ...(model === undefined ? {} : { model }) });
  if (target === undefined) throw noModelError(`${label} needs a model, and none is configured`);
  const limit = cellLimit(run, label, timeoutMs);
  const targets = withFallbacks(target);
  const first = `${providerOf(target)}/${target.model}`;
  for (const one of targets) {
    const asked =
      one === target
        ? { target, attempt: 1, limit, foreseen }
        : { target: one, insteadOf: first, attempt: bounds.attempts + 1, limit };
    try {
      return await askOne(cell, run, outputs, asked);
    } catch (thrown) {
      if (!(thrown instanceof ModelUnavailableError) || one === targets.at(-1)) throw thrown;
    }
  }
  throw new Error('unreachable: the last target returns or throws');
}

interface Asked {
  readonly target: ModelTarget;
  /** `provider/model` that the cell names first, if this target is a fallback. */
  readonly insteadOf?: string;
  /** The number of the first call to this target. */
  readonly attempt: number;
  readonly limit: () => TimeLimit;
  readonly foreseen?: Foreseen | undefined;
}

/**
 * Asks one model. If its answer does not fit the schema, shows it the answer and the problem once; after that,
 * RVB_ANSWER_INVALID is thrown.
 */
async function askOne(
  cell: InstructionsCellProgram,
  run: Run,
  outputs: JsonObject,
  { target, insteadOf, attempt: firstAttempt, limit, foreseen }: Asked,
): Promise<Json> {
  const { context } = run;
  const { name, label } = cell;
  const { input, state, given, refusals = [] } = run;
  const ready = foreseen?.request;
  let messages = ready?.messages ?? promptOf(cell, { input, outputs, state, ...given }, context);
  if (refusals.length > 0) messages = [...messages, ...refusalMessages(refusals)];
  for (let ask = 1, attempt = firstAttempt; ; ask++, attempt++) {
    const request =
      ready !== undefined && messages === ready.messages
        ? ready
        : requestOf(cell, messages, target.model, context);
    const read = (response: Pick<ChatResponse, 'text'>): ReadAnswer<Json> =>
      readAnswer(cell, response);
    const result = await callModel(run, {
      cell: name,
      label,
      target,
      ...(insteadOf === undefined ? {} : { insteadOf }),
      request,
      limit,
      attempt,
      // The answer that was found ahead of the row is unusable.
      fresh: request === ready && foreseen?.found !== undefined,
      read,
      ...(cell.retry === undefined ? {} : { retry: cell.retry }),
    });
    if (result.ok) return result.value;
    if (cell.schema === undefined || ask === MAX_ASKS) {
      const times = ask === 1 ? '' : `, asked ${ask} times`;
      const message = `${label}: the answer of ${target.model} cannot be used${times}: ${result.message}`;
      throw new RvbbitError('RVB_ANSWER_INVALID', message, { stage: 'execute' });
    }
    attempt = result.attempt;
    messages = [
      ...messages,
      { role: 'assistant', content: result.text },
      { role: 'user', content: complaint(result.message) },
    ];
  }
}

/** A request that was rendered ahead of its row. */
export interface Foreseen {
  readonly cell: InstructionsCellProgram;
  readonly request: ChatRequest;
  /** The text of a stored answer, and the key of the call that it replaces. */
  found?: { readonly callKey: string; readonly text: string };
}

/** The requests by their rows' inputs. Each is used once. */
const foreseen = new WeakMap<JsonObject, Foreseen>();

/** Renders the request of a run's first cell and keeps it for the run. Returns undefined if it cannot be rendered. */
export function foreseeRequest(
  cell: InstructionsCellProgram,
  view: TemplateContext & { readonly input: JsonObject },
  model: string,
  context: Pick<RunContext, 'settings'>,
): Foreseen | undefined {
  const request = requestFor(cell, view, model, context);
  if (request === undefined) return undefined;
  const ready = { cell, request };
  foreseen.set(view.input, ready);
  return ready;
}

/** Returns the cell's request for the given inputs, outputs and state; undefined if its templates or images fail. */
export function requestFor(
  cell: InstructionsCellProgram,
  view: TemplateContext,
  model: string,
  context: Pick<RunContext, 'settings'>,
): ChatRequest | undefined {
  try {
    return requestOf(cell, promptOf(cell, view, context), model, context);
  } catch {
    return undefined; // The run will meet and report the same error.
  }
}

function takeForeseen(cell: InstructionsCellProgram, run: Run): Foreseen | undefined {
  const ready = foreseen.get(run.input);
  if (ready === undefined) return undefined;
  foreseen.delete(run.input);
  return ready.cell === cell ? ready : undefined;
}

function requestOf(
  cell: InstructionsCellProgram,
  messages: readonly ChatMessage[],
  model: string,
  { settings }: Pick<RunContext, 'settings'>,
): ChatRequest {
  return {
    model,
    messages,
    parameters: { ...cell.parameters, ...settings.models?.parameters },
    ...(cell.schema === undefined ? {} : { responseSchema: cell.schema }),
    constant: constantOf(cell, messages),
  };
}

/**
 * Finds the parts of a prompt that are equal in every row's request: a system text without tags, and the text before the
 * first tag of the instructions, if the prompt starts with it.
 */
function constantOf(
  { system, instructions }: InstructionsCellProgram,
  messages: readonly ChatMessage[],
): NonNullable<ChatRequest['constant']> {
  const prompt = messages.find(({ role }) => role !== 'system')?.content ?? '';
  const start = constantStart(instructions);
  return {
    system: system === undefined || constantStart(system).length === system.text.length,
    prompt: prompt.startsWith(start) ? start.length : 0,
  };
}

/** The constant start of each template, which is searched once. */
const starts = new WeakMap<Template, string>();

/** Returns the text before a template's first tag, without the spaces at its end, because the tag may remove them. */
function constantStart(template: Template): string {
  let start = starts.get(template);
  if (start === undefined) {
    const { text } = template;
    const tag = text.search(/\{[{%#]/);
    start = tag === -1 ? text : text.slice(0, tag).trimEnd();
    starts.set(template, start);
  }
  return start;
}

function promptOf(
  cell: InstructionsCellProgram,
  view: TemplateContext,
  { settings }: Pick<RunContext, 'settings'>,
): readonly ChatMessage[] {
  const own = cell.system === undefined ? undefined : renderTemplate(cell.system, view);
  const told = [own, settings.models?.prompt, cell.schemaInstruction];
  const system = told.filter((text) => text !== undefined);
  const images = cell.images === undefined ? [] : imagesOf(cell, view.input as JsonObject);
  const user: ChatMessage = {
    role: 'user',
    content: renderTemplate(cell.instructions, view),
    ...(images.length === 0 ? {} : { images }),
  };
  return system.length === 0 ? [user] : [{ role: 'system', content: system.join('\n\n') }, user];
}

/** Returns a function that gives the rest of the cell's time. The time spent waiting for permits does not count. */
function cellLimit(run: Run, label: string, cellTimeoutMs: number | undefined): () => TimeLimit {
  const whole = timeLimit(run, label, cellTimeoutMs);
  const { bounds, context } = run;
  const endMs = context.nowMs() + whole.ms - bounds.waitedMs;
  return () => ({
    ms: endMs + bounds.waitedMs - context.nowMs(),
    message: whole.message,
  });
}

/** Returns the value of an answer's text, or what is wrong with it. */
export function readAnswer(
  cell: InstructionsCellProgram,
  { text }: Pick<ChatResponse, 'text'>,
): ReadAnswer<Json> {
  if (cell.schema === undefined) {
    const value = text.trim();
    return value === '' ? { ok: false, message: 'it is empty' } : { ok: true, value };
  }
  const answer = readJsonAnswer(text);
  if (!answer.ok) return answer;
  const problem = cell.checkOutput?.(answer.value);
  if (problem === undefined) return answer;
  return { ok: false, message: `its value${problem.path} ${problem.message}` };
}

function complaint(problem: string): string {
  return `That answer cannot be used: ${problem}. Answer again, with one JSON value that fits the schema and nothing else.`;
}
