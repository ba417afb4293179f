/** Finds the one JSON object or list in a text. */
import { ANSWER_MAX_CANDIDATES, ANSWER_MAX_DEPTH, ANSWER_SCAN_FACTOR } from '../limits.ts';
import { stringEnd } from './json-depth.ts';
import { isNearlyJson } from './nearly-json.ts';

/** `strict` parses as it stands; `nearly` does after repairs that invent no value. */
export type FoundJson =
  | { readonly kind: 'strict' | 'nearly'; readonly text: string }
  | { readonly kind: 'none'; readonly message: string };

/** Openings that JSON has and prose hardly: where one of them is broken, nothing in or after it is taken for the answer. */
const OBJECT = /^\{\s*(?:["']|\/[/*]|[A-Za-z_$][\w$]*\s*[:/])/;
const LIST =
  /^\[\s*(?:\[|["']|\/[/*]|\{\s*(?:["'}]|\/[/*]|[A-Za-z_$][\w$]*\s*[:/])|(?:-?[\d.]+|\w+)\s*,)/;
/** `[1]` and `[2, 3]` are references to sources as often as values. */
const REFERENCE = /^\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\]$/;

const CUT_OFF = 'its JSON is cut off or nested too deep';

/** Looks at outermost balanced brackets, quoted text aside. Two different values are as good as none. */
export function findJson(text: string): FoundJson {
  const strict = new Set<string>();
  const nearly = new Set<string>();
  let broken = false;
  let tried = 0;
  let steps = text.length * ANSWER_SCAN_FACTOR + 1_000;
  const bracket = /[[{]/g;
  for (let match = bracket.exec(text); match !== null; match = bracket.exec(text)) {
    const start = match.index;
    const end = balancedEnd(text, start, steps);
    steps -= Math.abs(end) - start;
    if (steps <= 0 || ++tried > ANSWER_MAX_CANDIDATES) {
      return { kind: 'none', message: 'it has too many brackets to be read' };
    }
    const opening = text.slice(start, start + 200);
    const isSerious = OBJECT.test(opening) || LIST.test(opening);
    if (end < 0) {
      if (isSerious) return { kind: 'none', message: CUT_OFF };
      continue;
    }
    const candidate = text.slice(start, end);
    if (parses(candidate)) strict.add(candidate);
    else if (isNearlyJson(candidate)) nearly.add(candidate);
    else if (isSerious) broken = true;
    else continue; // prose in brackets; it may still hold a value
    bracket.lastIndex = end;
  }
  const values = [...strict].filter((value) => value.length > 200 || !REFERENCE.test(value));
  const left = values.length > 0 ? values : [...strict];
  if (left.length === 0 && !broken) left.push(...nearly);
  if (broken) return { kind: 'none', message: 'it holds text that looks like JSON and is not' };
  if (left.length === 1) return { kind: strict.size > 0 ? 'strict' : 'nearly', text: left[0]! };
  const message = left.length === 0 ? 'it holds no JSON' : `it holds ${left.length} JSON values`;
  return { kind: 'none', message };
}

/** Index after the bracket that closes the one at `start`; where there is none, minus where the search ended. */
function balancedEnd(text: string, start: number, steps: number): number {
  const closers: number[] = [];
  const last = Math.min(text.length, start + steps + 1);
  for (let i = start; i < last; i++) {
    const code = text.charCodeAt(i);
    switch (code) {
      case 0x22 /* " */:
        i = stringEnd(text, i);
        break;
      case 0x5b /* [ */:
      case 0x7b /* { */:
        if (closers.length >= ANSWER_MAX_DEPTH) return -i;
        closers.push(code + 2);
        break;
      case 0x5d /* ] */:
      case 0x7d /* } */:
        if (closers.pop() !== code) return -i;
        if (closers.length === 0) return i + 1;
        break;
    }
  }
  return -last;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
