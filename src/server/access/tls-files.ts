/** The server's certificate and key, read from files, and read again when they have changed. */
import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type TlsOptions } from 'node:tls';
import { messageOf, RvbbitError } from '../../errors.ts';

/** The hash for channel binding by the OID of the certificate's signature (RFC 5929, 4.1). Ed25519 has none. */
const HASHES: Readonly<Record<string, string>> = {
  // MD5 and SHA-1 of RSA, and SHA-1 of ECDSA: SHA-256 takes their place.
  '2a864886f70d010104': 'sha256',
  '2a864886f70d010105': 'sha256',
  '2a8648ce3d0401': 'sha256',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/** A certificate that is in use. */
export interface ServerIdentity {
  readonly secureContext: SecureContext;
  /** The data of `tls-server-end-point` for SCRAM; undefined if the certificate's signature names no hash. */
  readonly binding: Buffer | undefined;
}

/**
 * The certificate and key of a server. New connections take `identity`; those that are open keep theirs. If the files
 * are wrong at a reload, the certificate in use stays.
 */
export class TlsFiles {
  readonly #certFile: string;
  readonly #keyFile: string;
  #texts: readonly string[];
  #identity: ServerIdentity;

  private constructor(files: readonly [string, string], loaded: Loaded) {
    [this.#certFile, this.#keyFile] = files;
    this.#texts = loaded.texts;
    this.#identity = loaded.identity;
  }

  /** Reads both files. Throws RVB_OPTION_TYPE if one cannot be read, or if they do not fit together. */
  static async open(certFile: string, keyFile: string): Promise<TlsFiles> {
    return new TlsFiles([certFile, keyFile], await load(certFile, keyFile));
  }

  get identity(): ServerIdentity {
    return this.#identity;
  }

  /** The options of a TLS server's socket, for the certificate in use. */
  get options(): TlsOptions {
    return { secureContext: this.#identity.secureContext, minVersion: 'TLSv1.2' };
  }

  /** Reads the files again. Returns true if the certificate in use is a new one. Throws as `open` does. */
  async reload(): Promise<boolean> {
    const { texts, identity } = await load(this.#certFile, this.#keyFile);
    if (texts.every((text, index) => text === this.#texts[index])) return false;
    this.#texts = texts;
    this.#identity = identity;
    return true;
  }

  /**
   * Reloads at SIGHUP, and looks every `everyMs` whether the files have changed. `onError` is told of a reload that
   * failed. Returns a function that stops this.
   */
  watch(onError: (error: unknown) => void, everyMs = 10_000): () => void {
    const reload = () => void this.reload().catch(onError);
    process.on('SIGHUP', reload);
    const timer = setInterval(reload, everyMs).unref();
    return () => {
      clearInterval(timer);
      process.off('SIGHUP', reload);
    };
  }
}

interface Loaded {
  readonly texts: readonly [string, string];
  readonly identity: ServerIdentity;
}

async function load(certFile: string, keyFile: string): Promise<Loaded> {
  const [cert, key] = await Promise.all([read(certFile), read(keyFile)]);
  try {
    const secureContext = createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    return { texts: [cert, key], identity: { secureContext, binding: bindingOf(cert) } };
  } catch (thrown) {
    throw wrong(`the certificate ${certFile} and the key ${keyFile} cannot be used`, thrown);
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw wrong(`cannot read ${file}`, thrown);
  }
}

function wrong(what: string, cause: unknown): RvbbitError {
  return new RvbbitError('RVB_OPTION_TYPE', `${what}: ${messageOf(cause)}`, {
    stage: 'open',
    cause,
  });
}

/** Returns the hash of a certificate (PEM) that channel binding uses; undefined if its signature names none. */
export function bindingOf(pem: string): Buffer | undefined {
  const der = new X509Certificate(pem).raw;
  const hash = HASHES[signatureOid(der)];
  return hash === undefined ? undefined : createHash(hash).update(der).digest();
}

/** Reads the OID of the signature: Certificate ::= SEQUENCE { tbs SEQUENCE, SEQUENCE { OID, … }, … } */
function signatureOid(der: Buffer): string {
  const certificate = element(der, 0);
  const tbs = element(der, certificate.from);
  const algorithm = element(der, tbs.to);
  const oid = element(der, algorithm.from);
  return der.subarray(oid.from, oid.to).toString('hex');
}

/** The content of the DER element that begins at `at`. */
function element(der: Buffer, at: number): { readonly from: number; readonly to: number } {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { from: at + 2, to: at + 2 + first };
  const size = first & 0x7f;
  const from = at + 2 + size;
  return { from, to: from + der.readUIntBE(at + 2, size) };
}
