/** Splits a prompt into its question and the text that the question is about. */

/** The parts of a prompt. `criterion` is '' if the prompt does not mark a criterion. */
export interface SplitPrompt {
  readonly question: string;
  readonly criterion: string;
  readonly text: string;
}

/** Names of parts that belong to the question. Parts with unknown names belong to the text. */
const OF_QUESTION =
  /^(?:task|instructions?|labels?|options?|choices?|categor(?:y|ies)|classes|rules?)$/i;
/** Names of parts that are the criterion. */
const OF_CRITERION =
  /^(?:criteri(?:on|a)|condition|question|query|topic|claim|hypothesis|predicate)$/i;
/** A line such as `Review: …`, with at most two words before the colon. `one of: …` does not match. */
const LABELLED =
  /^[ \t]*(?!one of:)(\p{L}[\p{L}\p{N}_-]{0,30}(?: [\p{L}\p{N}_-]{1,30})?):[ \t]+(\S.*)$/iu;

/**
 * Splits a prompt at tags (`<text>…</text>`), fences and lines such as `Review: …`. If they yield no text, splits at
 * blank lines: paragraphs with a final question mark, else the first paragraph, are the question. A prompt of one
 * paragraph is both question and text.
 */
export function splitPrompt(prompt: string): SplitPrompt {
  const parts: Record<'question' | 'criterion' | 'text', string[]> = {
    question: [],
    criterion: [],
    text: [],
  };
  const put = (name: string, body: string): void => {
    if (OF_CRITERION.test(name)) parts.criterion.push(body);
    else if (OF_QUESTION.test(name)) parts.question.push(`${name}: ${body}`);
    else parts.text.push(body);
  };
  const prose: string[] = [];
  for (const line of takeBlocks(prompt, put).split('\n')) {
    const [, name, body] = LABELLED.exec(line) ?? [];
    if (name !== undefined && body !== undefined) put(name.trim(), body);
    else prose.push(line);
  }
  const paragraphs = prose
    .join('\n')
    .split(/\n\s*\n/)
    .map((part) => part.trim());
  const said = paragraphs.filter((part) => part !== '');
  if (parts.text.length > 0 || said.length < 2) parts.question.push(...said);
  else {
    const asks = said.some((part) => part.endsWith('?'));
    said.forEach((part, index) => {
      const isQuestion = asks ? part.endsWith('?') : index === 0;
      (isQuestion ? parts.question : parts.text).push(part);
    });
  }
  const question = parts.question.join('\n');
  const text = parts.text.join('\n');
  return { question, criterion: parts.criterion.join('\n'), text: text === '' ? question : text };
}

/** Passes tagged and fenced parts to `put` and returns the rest. One pass, since prompts hold untrusted text. */
function takeBlocks(prompt: string, put: (name: string, body: string) => void): string {
  let rest = '';
  let from = 0;
  let open: { readonly name: string; readonly end: number; readonly start: number } | undefined;
  for (const mark of prompt.matchAll(/<(\/?)([A-Za-z][\w-]{0,30})>|```\w*\n?|"""/g)) {
    const [whole, slash, tag] = mark;
    const name = tag ?? whole.slice(0, 3);
    const end = mark.index + whole.length;
    if (open === undefined) {
      if (slash !== '/') open = { name, start: mark.index, end };
    } else if (open.name === name && (slash === '/' || tag === undefined)) {
      put(name, prompt.slice(open.end, mark.index).trim());
      rest += `${prompt.slice(from, open.start)}\n`;
      from = end;
      open = undefined;
    }
  }
  return rest + prompt.slice(from);
}
