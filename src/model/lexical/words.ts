/** Compares texts by the stems of their words, ignoring case, accents and common words. */
import { stemmer } from 'stemmer';

/** Words that say nothing about the topic of a text or of a question. */
const COMMON = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but by
  can could did do does doing down during each few for from further had has have having he her here hers him his how i
  if in into is it its itself just me more most my no nor not now of off on once only or other our out over own same
  she should so some such than that the their them then there these they this those through to too under until up very
  was we were what when where which while who whom why will with would yes you your
  answer answers choose classify condition criterion criteria decide describe describes described determine exactly
  extract false fit fits following give given label labels match matches matching meet meets mention mentions mentioned
  name null nothing one option options question reply respond result return satisfies satisfy say says text true value
  whether word words`.split(/\s+/),
);

/** Returns the stems of a text's words, without common words. */
export function stemsOf(text: string): ReadonlySet<string> {
  const stems = new Set<string>();
  // `homeGoods` and `home_goods` are two words each.
  const spaced = text.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2').replaceAll('_', ' ');
  for (const [word] of spaced
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .matchAll(/[\p{L}\p{N}]+/gu)) {
    const lower = word.toLowerCase();
    if (!COMMON.has(lower)) stems.add(stemmer(lower));
  }
  return stems;
}

/** Returns the number of wanted stems that a text has. */
export function hits(wanted: ReadonlySet<string>, text: ReadonlySet<string>): number {
  let count = 0;
  for (const stem of wanted) if (text.has(stem)) count++;
  return count;
}

/** Returns the share of wanted stems that a text has, 0 to 1; 0 if `wanted` is empty. */
export function share(wanted: ReadonlySet<string>, text: ReadonlySet<string>): number {
  return wanted.size === 0 ? 0 : hits(wanted, text) / wanted.size;
}
