/** Keeps a provider's secrets out of everything that leaves it. */
import type { HttpSettings } from './chat.ts';

/** A shorter one (`none`, `EMPTY`) is a placeholder, and taking it out would change answers. */
const SECRET_MIN_CHARS = 8;
/** The same for answers, which are data: no key in use is shorter, many words are. */
const ANSWER_SECRET_MIN_CHARS = 20;
const REDACTED = '[redacted]';

/** Takes the API key, the values of headers and the proxy's key out of a text. */
export interface Redact {
  /** For messages and raw bodies. */
  text(text: string): string;
  /** For a model's answer, which may hold short words that happen to be a placeholder key. */
  answer(text: string): string;
}

/** Made once a provider. Also finds a key as JSON and URLs escape it. */
export function redactFor(settings: Pick<HttpSettings, 'apiKey' | 'headers' | 'proxy'>): Redact {
  const secrets = new Set<string>();
  if (settings.apiKey !== undefined) secrets.add(settings.apiKey.trim());
  // A name does not tell which header is a secret; one that is none is not missed in a message.
  for (const value of Object.values(settings.headers ?? {})) {
    secrets.add(value.trim());
    secrets.add(value.replace(/^\s*\S+\s+/, '').trim()); // without the scheme, e.g. `Bearer `
  }
  const proxyKey = settings.proxy?.key;
  if (proxyKey !== undefined) {
    const password = proxyKey.slice(proxyKey.indexOf(':') + 1);
    secrets.add(proxyKey).add(password).add(Buffer.from(proxyKey).toString('base64'));
  }
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < SECRET_MIN_CHARS) continue;
    forms.add(secret).add(JSON.stringify(secret).slice(1, -1)).add(secret.replaceAll('/', '\\/'));
    forms.add(encodeURIComponent(secret.toWellFormed()));
  }
  const all = [...forms].sort((a, b) => b.length - a.length);
  const long = all.filter((form) => form.length >= ANSWER_SECRET_MIN_CHARS);
  return { text: (text) => without(text, all), answer: (text) => without(text, long) };
}

function without(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (clean.includes(secret)) clean = clean.replaceAll(secret, REDACTED);
  }
  return clean;
}
