import { ANNOTATIONS } from './annotations.ts';
import type { Annotation, Option } from './ast.ts';
import { OPTIONS } from './options.ts';
import { literalValue, type SettingValue, textValue } from './value-spec.ts';

/** Returns an option's value: an enumerated word in lower case, other text as written, a number or a boolean. */
export function optionValue({ key, value }: Option): SettingValue | undefined {
  const spec = OPTIONS.get(key.value);
  return spec && literalValue(spec, value);
}

/** Returns an annotation's value in the form of `optionValue`; `bare` of its definition if no value is written. */
export function annotationValue({ key, value }: Annotation): SettingValue | undefined {
  const spec = ANNOTATIONS.get(key);
  return value === undefined ? spec?.bare : spec && textValue(spec.takes, value);
}

/** Returns the settings of a statement without diagnostics, by key. An option overrides the annotation of its key. */
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
