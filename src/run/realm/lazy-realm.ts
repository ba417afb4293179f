/** Makes a cascade's realm when its code is first called, because a forecast compiles cascades without calling their code. */
import type { JsonObject } from '../../util/json.ts';
import { type CodeInRealm, type CompileInRealm, createRealm } from './realm.ts';

/** Like `CompileInRealm`, but compiles the code when it is first needed. */
export type LazyCode = (...args: Parameters<CompileInRealm>) => () => CodeInRealm;

/** Returns the compiler of the code of one cascade's cells and wards, which share one realm. */
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
