/** The inputs that a cascade reads, against those that it gets. */
import type { Cascade } from './cascade.ts';
import { cascadeInvalid } from './problems.ts';
import { didYouMean } from './spelling.ts';

/**
 * Refuses a run of a cascade that reads inputs it will not have (RVB_CASCADE_INVALID, each with its place).
 * `given` is what a message says that the run has, such as "the query has the columns name, price"; `offered` are
 * the names that may have been meant.
 */
export function refuseMissingInputs(
  cascade: Cascade,
  inputs: readonly string[],
  given: string,
  offered: readonly { readonly name: string }[] = inputs.map((name) => ({ name })),
): void {
  const problems = cascade.inputReads
    .filter(({ name, isOptional }) => !isOptional && !inputs.includes(name))
    .map(({ name, place }) => {
      const near = didYouMean(
        `input.${name}`,
        offered.map((input) => `input.${input.name}`),
      );
      return { place, message: `unknown name input.${name}; ${given}${near}` };
    });
  if (problems.length > 0) throw cascadeInvalid(cascade.file, problems);
}
