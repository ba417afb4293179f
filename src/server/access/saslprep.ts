/**
 * Prepares passwords as SASLprep (RFC 4013) does, so that one password typed on two keyboards is one password. This is
 * the mapping, the normal form KC, and the prohibited characters. Left out: the check of the direction of mixed
 * right-to-left text, and that of unassigned code points. As in PostgreSQL, a password that may not be prepared is used
 * as it is, so both only matter for a password whose preparation would also change it.
 */

/** RFC 3454, table C.1.2: spaces that become an ordinary one. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** RFC 3454, table B.1: characters that vanish. */
const VANISHING =
  /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** RFC 3454, tables C.2 to C.9: controls, private use, surrogates, what is no character, what changes others' display. */
const PROHIBITED =
  /\u0340|\u0341|[\p{Cc}\p{Co}\p{Cs}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\uffff\p{Noncharacter_Code_Point}\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/** Returns the prepared password; the password itself if it has a character that SASLprep prohibits. */
export function saslPrepared(password: string): string {
  const prepared = password.replace(SPACES, ' ').replace(VANISHING, '').normalize('NFKC');
  return prepared === '' || PROHIBITED.test(prepared) ? password : prepared;
}
