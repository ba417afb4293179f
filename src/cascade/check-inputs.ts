/** Compares the inputs that a cascade reads with the inputs that it gets. */
import type { Cascade } from './cascade.ts';
import { cascadeInvalid } from './problems.ts';
import { didYouMean } from './spelling.ts';

/**
 * Refuses a run of a cascade that reads inputs which the run does not have (RVB_CASCADE_INVALID, with the place of
 * each). `given` is the part of the message that says what the run has, such as "the query has the columns name, price".
 * `offered` are the names to suggest for a misspelt one.
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
