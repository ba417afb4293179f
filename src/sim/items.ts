/** Calls that ask several questions at once. Each item is answered as it would be in a call of its own. */
import { contentOf } from './answer.ts';
import { type ChatCall, schemaInWords } from './chat-request.ts';
import { createRandom } from './random.ts';
import type { Action, SimulatorSettings } from './script.ts';

/** An item of a call, with the call that would ask it alone. */
export interface Item {
  readonly id: string;
  readonly end: string;
  readonly chat: ChatCall;
}

const ASKED =
  /^Answer the question for each item below[^\n]* question, (\[ITEM[^\]]*\]) stands for[^\n]*\n\nQuestion:\n([\s\S]*?)\n\nAnswer with one JSON object: \{"answers"[^\n]*\n\nItems, one a line: id, text as JSON, end mark\.\n/;
const LINE = /^([a-p]+) ("(?:[^"\\]|\\.)*") ([a-p]+)$/;

/** Returns the items of a call; undefined if it asks one question. */
export function readItems(chat: ChatCall): readonly Item[] | undefined {
  const asked = ASKED.exec(chat.lastUser);
  if (asked === null) return undefined;
  const [intro, name, question] = asked;
  const before = chat.text.slice(0, chat.text.length - chat.lastUser.length);
  const schema = schemaInWords(before);
  return chat.lastUser
    .slice(intro.length)
    .split('\n')
    .flatMap((line) => {
      const item = LINE.exec(line);
      if (item === null) return [];
      const lastUser = question!.replace(name!, () => JSON.parse(item[2]!) as string);
      const single = { ...chat, lastUser, text: before + lastUser, schema, maxTokens: undefined };
      const responseFormat = schema === undefined ? ('text' as const) : ('json_schema' as const);
      return [{ id: item[1]!, end: item[3]!, chat: { ...single, responseFormat } }];
    });
}

/** What a rule or a directive says about one item. */
export interface ItemAction {
  readonly action: Action | undefined;
  readonly prompt: string;
}

/** Returns what is done with the whole call: what befalls one item befalls all. */
export function actionOfAll(actions: readonly ItemAction[]): Action | undefined {
  const spoils = ({ action }: ItemAction): boolean =>
    action !== undefined &&
    [action.fault, action.status, action.refusal, action.raw, action.finish].some(
      (what) => what !== undefined,
    );
  const { answer: _answer, ...rest } = (actions.find(spoils) ?? actions[0])?.action ?? {};
  return rest;
}

/** Makes the answers of all items, with faults. `seed` decides which of them go wrong. */
export function answerItems(
  items: readonly Item[],
  actions: readonly ItemAction[],
  { answers: mode, items: faults }: SimulatorSettings,
  seed: number,
): { readonly answer: string; readonly isCut: boolean } {
  const entries = items.map(({ id, end, chat }, index) => {
    const { action, prompt } = actions[index]!;
    const text = contentOf(chat, prompt, mode, action);
    return { id, end, answer: chat.schema === undefined ? text : jsonOf(text) };
  });
  if (faults === undefined) return { answer: JSON.stringify({ answers: entries }), isCut: false };
  const random = createRandom(seed);
  const other = () => entries[Math.floor(random() * entries.length)]!;
  const given = entries.flatMap((entry) => {
    if (random() < faults.drop) return [];
    const { answer } = other();
    return [
      entry,
      ...(random() < faults.repeat ? [{ ...entry, answer }] : []),
      ...(random() < faults.invent ? [{ id: `${entry.id}x`, end: `${entry.end}x`, answer }] : []),
    ];
  });
  for (let at = 0; at + 1 < given.length; at++) {
    if (random() >= faults.swap) continue;
    const [one, next] = [given[at]!, given[at + 1]!];
    given[at] = { ...one, id: next.id };
    given[at + 1] = { ...next, id: one.id };
  }
  const answer = JSON.stringify({ answers: given });
  if (random() >= faults.truncate) return { answer, isCut: false };
  return { answer: answer.slice(0, Math.floor(random() * answer.length)), isCut: random() < 0.5 };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
