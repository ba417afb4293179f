/** Finds labels in a question, and chooses a label for a text. */
import { hits, stemsOf } from './words.ts';

/** Labels for texts that fit no other label. */
const REST =
  /^(?:neutral|other|others|unknown|unclear|none|mixed|misc|miscellaneous|general|n\/a)$/i;

/**
 * Returns the label that shares most words with the text; undefined if none shares a word. A shared word of the
 * label itself has the weight two. A shared word of its explanation in the question (`billing: invoices and payments`)
 * has the weight one.
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

/** Returns the label for a text that shares no word with any label: one such as `other`, else the first. */
export function restLabel(labels: readonly string[]): string {
  return labels.find((label) => REST.test(label)) ?? labels[0] ?? '';
}

/** A list of labels, one a line: `labels: - a`, `- b`. */
const LABEL_LINES =
  /^(?:labels?|options?|choices?|categor(?:y|ies)|classes):[^\S\n]*\n?((?:[^\S\n]*[-*] [^\n]+(?:\n|$))+)/im;

/** Returns the labels that a question lists one a line. Empty if there are none. */
export function labelLines(question: string): readonly string[] {
  const lines = LABEL_LINES.exec(question)?.[1]?.trim().split('\n') ?? [];
  return lines.map((line) => line.trim().slice(2).trim());
}

/**
 * Returns the labels that a question lists: `labels: - a` and more such lines, `one of: a, b, c`, `a, b or c?`,
 * `yes/no`. Empty if there are none.
 */
export function labelsIn(question: string): readonly string[] {
  const lines = labelLines(question);
  if (lines.length > 0) return lines;
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
