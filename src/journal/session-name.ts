/** Generates woodland names for sessions, e.g. `udf-clever-fox-3fa2b1`. */

/** A source of randomness: uniform in [0, 1). Tests pass a seeded one. */
export type Random = () => number;

const ADJECTIVES =
  'amber brisk calm clever curious dapper deft dewy drowsy eager early fabled fern gentle gilded glad golden hardy hazel hushed keen kind light lively lucky mellow merry mild misty mossy nimble noble olive patient placid plucky quick quiet russet sage shady silent silver sleek snug spry steady sunny swift tawny tidy timid velvet warm wild wise witty'.split(
    ' ',
  );

const ANIMALS =
  'adder badger bat bear beaver beetle bison boar buck bunting cricket crane crow deer dormouse dove duck eagle egret elk ermine falcon fawn finch fox frog goose grouse hare hawk hedgehog heron jay kite lark lynx magpie marten mink mole moose moth mouse newt nuthatch otter owl plover polecat quail rabbit raven robin shrew snipe sparrow squirrel stoat swift thrush toad vole weasel wolf wren'.split(
    ' ',
  );

/** The kind of session: `udf` for a MAP, `batch` for a RUN, `sql` for the statement itself. */
export type NamePrefix = 'udf' | 'batch' | 'sql';

/** Returns a new name: `<prefix>-<adjective>-<animal>-<six hex digits>`. */
export function woodlandName(prefix: NamePrefix, random: Random): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)];
  const tail = Math.floor(random() * 0x1000000)
    .toString(16)
    .padStart(6, '0');
  return `${prefix}-${pick(ADJECTIVES)}-${pick(ANIMALS)}-${tail}`;
}
