/** Runs a cell whose tool is another cascade. The value of the nested run is the cell's output. */
import { evaluateDefined, renderTemplate, type TemplateContext } from '../../cascade/template.ts';
import { RvbbitError } from '../../errors.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { RunOutcome } from '../contract.ts';
import type { CascadeCellProgram, CascadeProgram, InputProgram } from '../program.ts';
import type { Run, RunBounds, RunContext, Variant } from '../run-state.ts';

/** Runs a program within the bounds of a run in progress. */
export type RunNested = (
  program: CascadeProgram,
  input: JsonObject,
  context: RunContext,
  bounds: RunBounds,
  variant: Variant | undefined,
) => RunOutcome | Promise<RunOutcome>;

/** Builds the nested cascade's input and runs the cascade. */
export function runCascadeCell(
  cell: CascadeCellProgram,
  run: Run,
  outputs: JsonObject,
  runNested: RunNested,
): Promise<Json> {
  const view: TemplateContext = { input: run.input, outputs, state: run.state };
  const input = cell.inputs === undefined ? run.input : buildObject(cell.inputs, view);
  return runWithin(cell, run, input, runNested);
}

/**
 * Runs a cascade within a run, with the run's variant and the rest of its time and steps. A skipped nested run gives
 * null. A failed nested run throws its failure, with the cell's label.
 */
export async function runWithin(
  cell: Pick<CascadeCellProgram, 'name' | 'label' | 'program' | 'timeoutMs'>,
  run: Run,
  input: JsonObject,
  runNested: RunNested,
): Promise<Json> {
  const now = run.context.nowMs();
  const ownDeadline =
    cell.timeoutMs === undefined ? Number.POSITIVE_INFINITY : now + cell.timeoutMs;
  const { bounds } = run;
  const outer = bounds.deadlineMs + bounds.waitedMs;
  const isOwn = ownDeadline < outer;
  const inner: RunBounds = {
    steps: bounds.steps,
    attempts: 1,
    waitedMs: 0,
    deadlineMs: Math.min(outer, ownDeadline),
    timeoutMs: isOwn && cell.timeoutMs !== undefined ? cell.timeoutMs : bounds.timeoutMs,
  };
  const context = withoutOutputs(run.context);
  const outcome = await runNested(cell.program, input, context, inner, run.variant);
  bounds.steps = inner.steps;
  bounds.attempts = inner.attempts;
  bounds.waitedMs += inner.waitedMs;
  for (const advisory of outcome.advisories ?? []) {
    run.advisories ??= [];
    run.advisories.push({ ...advisory, cell: `${cell.name}.${advisory.cell}` });
  }
  if (outcome.kind === 'failed') {
    const { code, message } = outcome.error;
    throw new RvbbitError(code, `${cell.label}: ${message}`, { stage: 'execute' });
  }
  return outcome.kind === 'ok' ? outcome.value : null;
}

/** Returns the context for a nested run, whose outputs are not kept. */
function withoutOutputs(outer: RunContext): RunContext {
  return {
    settings: { ...outer.settings, keepOutputs: false },
    signal: outer.signal,
    runSql: (query) => outer.runSql(query),
    modelTarget: (cell) => outer.modelTarget(cell),
    chat: (target, request, options) => outer.chat(target, request, options),
    requestCall: (request) => outer.requestCall(request),
    endCall: (attempt, report) => outer.endCall(attempt, report),
    enterJs: (timeoutMs) => outer.enterJs?.(timeoutMs),
    leaveJs: () => outer.leaveJs?.(),
    nowMs: () => outer.nowMs(),
  };
}

/** Builds the input of a nested cascade that does not get its caller's input. */
export function buildObject(
  inputs: Readonly<Record<string, InputProgram>>,
  view: TemplateContext,
): JsonObject {
  const built: Record<string, Json> = {};
  for (const [name, input] of Object.entries(inputs)) built[name] = buildInput(input, view);
  return built;
}

function buildInput(input: InputProgram, view: TemplateContext): Json {
  switch (input.kind) {
    case 'constant':
      return input.value;
    case 'text':
      return renderTemplate(input.template, view);
    case 'expression':
      return evaluateDefined(input.expression, view);
    case 'list':
      return input.items.map((item) => buildInput(item, view));
    case 'object':
      return Object.fromEntries(input.entries.map(([key, item]) => [key, buildInput(item, view)]));
  }
}
