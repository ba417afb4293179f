/** Labels to choose from. */
import { hits, stemsOf } from './words.ts';

/** Takes what fits no label. */
const REST =
  /^(?:neutral|other|others|unknown|unclear|none|mixed|misc|miscellaneous|general|n\/a)$/i;

/**
 * The label that shares most words with the text, its own and those of the line that explains it in the
 * question (`billing: invoices and payments`). Without any: undefined.
 */
export function overlappingLabel(
  labels: readonly string[],
  question: string,
  text: ReadonlySet<string>,
): string | undefined {
  let best: string | undefined;
  let bestScore = 0;
  for (const label of labels) {
    const score = 2 * hits(stemsOf(label), text) + hits(stemsOf(meaningOf(label, question)), text);
    if (score > bestScore) [best, bestScore] = [label, score];
  }
  return best;
}

/** The label for a text that shares no word with any: one made for that, else the first. */
export function restLabel(labels: readonly string[]): string {
  return labels.find((label) => REST.test(label)) ?? labels[0] ?? '';
}

/** The labels that a question offers in its words: `one of: a, b, c`, `a, b or c?`, `yes/no`. */
export function labelsIn(question: string): readonly string[] {
  const listed =
    /\b(?:one of|either|choose from|answer with|labels?|options?|categories)\b[^\S\n]*:?[^\S\n]*([^.\n?;]{3,400})/i.exec(
      question,
    )?.[1] ??
    /((?:[\w-]{1,40}, ){0,20}[\w-]{1,40},? or [\w-]{1,40})\?/.exec(question)?.[1] ??
    /\b(yes ?\/ ?no|yes or no|true ?\/ ?false|true or false)\b/i.exec(question)?.[1] ??
    '';
  const labels = listed.split(/,\s*or\s+|,|\||\/|\s+or\s+/).map(bare);
  const isList = labels.length > 1 && labels.every((label) => /^\S+(?: \S+){0,3}$/.test(label));
  return isList ? labels : [];
}

function bare(label: string): string {
  return label.replace(/^[\s"'`([{*]+|[\s"'`)\]}*:]+$/g, '');
}

function meaningOf(label: string, question: string): string {
  for (const line of question.split('\n')) {
    const plain = line.replace(/^[\s*-]+/, '');
    const after = plain.slice(label.length);
    if (plain.startsWith(label) && /^\s*[:=–—-]/.test(after)) return after;
  }
  return '';
}
