import { ANNOTATIONS } from './annotations.ts';
import type { Annotation, Option } from './ast.ts';
import { OPTIONS } from './options.ts';
import { literalValue, type SettingValue, textValue } from './value-spec.ts';

/** The value of an option as what it is: a word in lower case, a number, a boolean, or text as written. */
export function optionValue({ key, value }: Option): SettingValue | undefined {
  const spec = OPTIONS.get(key.value);
  return spec && literalValue(spec, value);
}

/** The value of an annotation, likewise; of one that stands bare, the value that it then has. */
export function annotationValue({ key, value }: Annotation): SettingValue | undefined {
  const spec = ANNOTATIONS.get(key);
  return value === undefined ? spec?.bare : spec && textValue(spec.takes, value);
}

/** The settings of a statement without diagnostics, by key: its options, and the annotations that they leave. */
export function settingValues(
  annotations: readonly Annotation[],
  options: readonly Option[],
): ReadonlyMap<string, SettingValue> {
  const pairs = [
    ...annotations.map((annotation) => [annotation.key, annotationValue(annotation)] as const),
    ...options.map((option) => [option.key.value, optionValue(option)] as const),
  ];
  return new Map(
    pairs.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}
