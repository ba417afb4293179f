/** The text of a run's value as the value of its operator's type. */
import type { Answer } from './answer-book.ts';

const FENCE = /^\s*```[\w-]*\s*\n([\s\S]*?)\n?```\s*$/;

/** The value, strictly: undefined where the text is none of the type. */
export function answerValue(text: string | null, type: string): Answer | undefined {
  if (text === null) return null;
  const bare = type === 'VARCHAR' ? text : (FENCE.exec(text)?.[1] ?? text).trim();
  switch (type) {
    case 'BOOLEAN':
      return /^true$/i.test(bare) ? true : /^false$/i.test(bare) ? false : undefined;
    case 'DOUBLE':
      return isNumber(bare) ? Number(bare) : undefined;
    case 'INTEGER':
      return isNumber(bare) && (Number(bare) | 0) === Number(bare) ? Number(bare) : undefined;
    case 'BIGINT':
      return /^[-+]?\d{1,18}$/.test(bare) ? BigInt(bare) : undefined;
    default:
      return bare;
  }
}

function isNumber(text: string): boolean {
  return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) && Number.isFinite(Number(text));
}
