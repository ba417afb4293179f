/** The realm of a cascade, made when its code is called for the first time: a forecast compiles cascades and calls none. */
import type { JsonObject } from '../../util/json.ts';
import { type CodeInRealm, type CompileInRealm, createRealm } from './realm.ts';

/** As `CompileInRealm`, but compiled when it is first asked for. */
export type LazyCode = (...args: Parameters<CompileInRealm>) => () => CodeInRealm;

/** Compiles the code of one cascade's cells and wards, all in one realm. */
export function lazyRealm(noOutputs: JsonObject): LazyCode {
  let realm: CompileInRealm | undefined;
  return (...args) => {
    let code: CodeInRealm | undefined;
    return () => {
      realm ??= createRealm(noOutputs);
      code ??= realm(...args);
      return code;
    };
  };
}
