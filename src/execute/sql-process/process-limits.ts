/** Bounds of the process in which the queries of SQL cells run. */

/** From the process's start to its first word: it loads DuckDB, which on a machine that is busy takes seconds. */
export const SQL_PROCESS_BOOT_MS = 15_000;
/** Queries that the process runs at a time. */
export const SQL_PROCESS_QUERIES = 4;
/** From an abort to ending the process in which a query could not be interrupted; within ABORT_SETTLE_MS. */
export const SQL_CANCEL_MS = 400;
/** A query whose cell has given it up is ended after this. */
export const SQL_OVERTIME_MS = 100;
/** Deaths of the process that are made good, … */
export const SQL_PROCESS_DEATHS = 10;
/** … within this; one more ends the statement. */
export const SQL_PROCESS_DEATHS_MS = 60_000;
/** Query texts of one statement of which it is remembered what they name. */
export const SQL_PROCESS_TEXTS = 1_000;
