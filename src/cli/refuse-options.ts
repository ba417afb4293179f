import { CliError } from './exit-codes.ts';
import { type CliOptions, flagOf } from './options.ts';

/** Throws a usage error for an option that the command takes, but this `action` of it has no use for. */
export function refuseOptions(
  command: string,
  action: string,
  options: CliOptions,
  keys: readonly (keyof CliOptions)[],
): void {
  for (const key of keys) {
    const value = options[key];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    throw new CliError(
      'usage',
      `${command} ${action} has no ${flagOf(key)}`,
      `rvbbit ${command} --help`,
    );
  }
}
