import { messageOf } from '../../errors.ts';

/**
 * Returns the reason of a system error without its code, call and path:
 * `ENOENT: no such file or directory, open 'x'` → `no such file or directory`.
 */
export function systemErrorText(thrown: unknown): string {
  if ((thrown as NodeJS.ErrnoException).code === 'EISDIR') return 'it is a folder';
  return messageOf(thrown).replace(/^E[A-Z0-9]+: (.*?), [a-z]+(?: '.*)?$/s, '$1');
}
