/** What is used of undici: in a bundle it has a file of its own, which workers that ask no model do not load. */
export { buildConnector, Pool } from 'undici';
