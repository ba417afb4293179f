/** Directives: a line `sim: {…}` in a prompt scripts its call. */
import { RequestProblem } from './chat-request.ts';
import { type Action, actionSchema, readScript } from './script.ts';

const LINE = /^[ \t]*sim:[ \t]*(\{.*\})[ \t]*$\n?/m;

/** Returns the first directive in a text, and the text without it. Throws `RequestProblem` for an invalid directive. */
export function readDirective(text: string): { readonly action?: Action; readonly rest: string } {
  const found = text.includes('sim:') ? LINE.exec(text) : null;
  if (found === null) return { rest: text };
  try {
    const action = readScript(actionSchema, JSON.parse(found[1]!));
    return { action, rest: text.replace(LINE, '') };
  } catch (thrown) {
    throw new RequestProblem(400, `the sim directive: ${(thrown as Error).message}`);
  }
}
