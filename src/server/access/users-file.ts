/** The users file: who may log in, in which role, within which limits. It holds verifiers and never a password. */
import { randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Document, isMap, parseDocument } from 'yaml';
import { z } from 'zod';
import { listProblems } from '../../cascade/problems.ts';
import { readYaml } from '../../cascade/read-yaml.ts';
import { messageOf, RvbbitError } from '../../errors.ts';
import { parseVerifier, type Verifier } from './verifier.ts';

/** The users file without `--users`. */
export const USERS_FILE = 'rvbbit.users.yaml';

/** `read-only`: a session that reads and changes nothing. `read-write`: all that the server's own user may do. */
export const ROLES = ['read-only', 'read-write'] as const;
export type Role = (typeof ROLES)[number];

/** What a user may use. An absent limit sets none. */
export interface UserLimits {
  /** Statements at a time, in all connections of the user together. */
  readonly statements?: number | undefined;
  /** Rows of one result. */
  readonly rows?: number | undefined;
  /** US dollars for model calls, a day from 00:00 UTC. */
  readonly cost_per_day?: number | undefined;
}

export interface User {
  readonly name: string;
  readonly role: Role;
  readonly verifier: Verifier;
  readonly limits: UserLimits;
}

/** A users file as it was read. */
export interface UsersContent {
  readonly users: ReadonlyMap<string, User>;
  /** From it the mock verifiers of unknown users are derived. */
  readonly secret: Buffer | undefined;
}

const VERIFIER = z
  .string()
  .refine((text) => parseVerifier(text) !== undefined, 'no verifier; rvbbit user add writes one');
const COUNT = z.int().min(1);
const LIMITS = z.strictObject({
  statements: COUNT.optional(),
  rows: COUNT.optional(),
  cost_per_day: z.number().min(0).optional(),
});
const FILE = z.strictObject({
  secret: z.base64().optional(),
  users: z
    .record(
      z.string(),
      z.strictObject({
        role: z.enum(ROLES).default('read-only'),
        verifier: VERIFIER,
        limits: LIMITS.optional(),
      }),
    )
    .nullable()
    .optional(),
});
const SECRET_BYTES = 32;
const HEADER =
  ' Who may log in to the server. Change it with: rvbbit user add|list|remove. It holds no password,\n but whoever reads it can try passwords: keep it to yourself.';
/** PostgreSQL's clients cut longer names. */
const NAME_MAX_BYTES = 63;

/**
 * Reads a users file. Throws RVB_OPTION_TYPE if it cannot be read, if it is wrong, or if others than its owner may read
 * it.
 */
export async function readUsers(path: string): Promise<UsersContent> {
  const bytes = await bytesOf(path);
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0) {
    throw wrong(`others may read or change the users file ${path}: chmod 600 ${path}`);
  }
  return contentOf(bytes, path);
}

function contentOf(bytes: Uint8Array, path: string): UsersContent {
  const read = readYaml(bytes, path, FILE.nullable());
  if (!read.ok) {
    const { message, place } = listProblems('the users file', read.problems);
    throw new RvbbitError('RVB_OPTION_TYPE', message, {
      stage: 'open',
      ...(place === undefined ? {} : { place }),
    });
  }
  const { users = {}, secret } = read.value ?? {};
  const all = Object.entries(users ?? {}).map(([name, { role, verifier, limits = {} }]): User => {
    refuseName(name);
    // The schema has checked the verifier.
    return { name, role, verifier: parseVerifier(verifier)!, limits };
  });
  return {
    users: new Map(all.map((user) => [user.name, user])),
    secret: secret === undefined ? undefined : Buffer.from(secret, 'base64'),
  };
}

/** The entry of a user that is written. Absent parts of an existing user's entry stay as they are. */
export interface UserEntry {
  readonly verifier: string;
  readonly role?: Role | undefined;
  readonly limits: UserLimits;
}

/** Adds a user, or changes one. Makes the file if there is none. Returns false if the user was there already. */
export async function writeUser(path: string, name: string, entry: UserEntry): Promise<boolean> {
  refuseName(name);
  const document = await editable(path);
  if (!document.has('secret')) {
    document.set('secret', randomBytes(SECRET_BYTES).toString('base64'));
  }
  if (!isMap(document.get('users'))) document.set('users', document.createNode({}));
  const isNew = !document.hasIn(['users', name]);
  const role = entry.role ?? (isNew ? 'read-only' : undefined);
  if (isNew) document.setIn(['users', name], document.createNode({}));
  if (role !== undefined) document.setIn(['users', name, 'role'], role);
  document.setIn(['users', name, 'verifier'], entry.verifier);
  for (const [key, value] of Object.entries(entry.limits)) {
    if (value !== undefined) document.setIn(['users', name, 'limits', key], value);
  }
  await replace(path, document);
  return isNew;
}

/** Removes a user. Returns false if there is none of that name. */
export async function removeUser(path: string, name: string): Promise<boolean> {
  await readUsers(path);
  const document = await editable(path);
  if (!document.deleteIn(['users', name])) return false;
  await replace(path, document);
  return true;
}

async function editable(path: string): Promise<Document> {
  const bytes = await bytesOf(path).catch((thrown: RvbbitError) => {
    if ((thrown.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    throw thrown;
  });
  if (bytes !== undefined) contentOf(bytes, path);
  const document: Document = parseDocument(Buffer.from(bytes ?? []).toString('utf8'));
  if (bytes === undefined) document.commentBefore = HEADER;
  if (!isMap(document.contents)) document.contents = document.createNode({});
  return document;
}

/** Writes the whole file beside the old one and puts it in its place, so that nobody ever reads half of it. */
async function replace(path: string, document: Document): Promise<void> {
  const text = document.toString({ lineWidth: 0 });
  contentOf(Buffer.from(text), path);
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(beside, 0o600);
    await rename(beside, path);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw wrong(`cannot write the users file in ${dirname(path)}: ${messageOf(thrown)}`, thrown);
  }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (thrown) {
    throw wrong(`cannot read the users file ${path}: ${messageOf(thrown)}`, thrown);
  }
}

function refuseName(name: string): void {
  if (name !== '' && Buffer.byteLength(name) <= NAME_MAX_BYTES && !/\p{C}/u.test(name)) return;
  throw wrong(
    `a user's name has 1 to ${NAME_MAX_BYTES} bytes and no control characters, unlike ${JSON.stringify(name.slice(0, 80))}`,
  );
}

function wrong(message: string, cause?: unknown): RvbbitError {
  return new RvbbitError('RVB_OPTION_TYPE', message, { stage: 'open', cause });
}
