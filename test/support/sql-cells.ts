/** Where the queries of SQL cells may run: what is said of them holds in either place. */
export const SQL_CELLS = ['inline', 'process'] as const;
