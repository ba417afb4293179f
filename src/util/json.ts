/** Plain JSON, as values cross threads and cells. Numbers are finite. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}
