/** Keeps a provider's secrets out of everything that leaves it. */
import type { HttpSettings } from './chat.ts';

/** A shorter one (`none`, `EMPTY`) is a placeholder, and taking it out would change answers. */
const SECRET_MIN_CHARS = 8;
/** The same for answers, which are data: no key in use is shorter, many words are. */
const ANSWER_SECRET_MIN_CHARS = 20;
const REDACTED = '[redacted]';

/** Takes the API key, the values of headers and of the URL's query, and the proxy's key out of a text, in any case. */
export interface Redact {
  /** For messages and raw bodies. */
  text(text: string): string;
  /** For a model's answer, which may hold short words that happen to be a placeholder key. */
  answer(text: string): string;
}

/** Made once a provider. Also finds a key as JSON and URLs escape it. */
export function redactFor(
  settings: Partial<Pick<HttpSettings, 'apiKey' | 'headers' | 'proxy' | 'baseUrl'>>,
): Redact {
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
  for (const value of queryValues(settings.baseUrl)) secrets.add(value);
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < SECRET_MIN_CHARS) continue;
    forms.add(secret).add(JSON.stringify(secret).slice(1, -1)).add(secret.replaceAll('/', '\\/'));
    forms.add(encodeURIComponent(secret.toWellFormed()));
  }
  const all = [...forms].sort((a, b) => b.length - a.length);
  const long = all.filter((form) => form.length >= ANSWER_SECRET_MIN_CHARS);
  return { text: without(all), answer: without(long) };
}

/** Some services take their key in the URL; as it stands there, and as a server reads it. */
function queryValues(baseUrl: string | undefined): readonly string[] {
  if (baseUrl === undefined || !URL.canParse(baseUrl)) return [];
  const { search, searchParams } = new URL(baseUrl);
  const written = search.slice(1).split('&');
  return [...searchParams.values(), ...written.map((pair) => pair.slice(pair.indexOf('=') + 1))];
}

/** Servers that echo a header may do so in capitals. */
function without(secrets: readonly string[]): (text: string) => string {
  if (secrets.length === 0) return (text) => text;
  const escaped = secrets.map((secret) => secret.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&'));
  const any = new RegExp(escaped.join('|'), 'gi');
  return (text) => text.replace(any, REDACTED);
}
