/** The used parts of undici. The bundle keeps undici in its own file; a worker loads it with its first model call. */
export { buildConnector, Client, Pool } from 'undici';
