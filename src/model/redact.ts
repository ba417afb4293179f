/** Removes a provider's secrets from messages, journal texts and answers. */
import type { HttpSettings } from './chat.ts';

/** Shorter secrets are not removed: they are placeholders (`none`, `EMPTY`), which occur in ordinary text. */
const SECRET_MIN_CHARS = 8;
/** In an answer, only secrets of at least this length are removed. Real keys are not shorter, but many words are. */
const ANSWER_SECRET_MIN_CHARS = 20;
const REDACTED = '[redacted]';

/** Removes the API key, header values, values of the URL's query and the proxy's key from a text, ignoring case. */
export interface Redact {
  /** Cleans a message or a raw body. */
  text(text: string): string;
  /** Cleans a model's answer. Keeps short secrets, because a placeholder key may be an ordinary word. */
  answer(text: string): string;
}

/** Makes the redaction of a provider. It also finds secrets that are escaped as in JSON or URLs. */
export function redactFor(
  settings: Partial<Pick<HttpSettings, 'apiKey' | 'headers' | 'proxy' | 'baseUrl'>>,
): Redact {
  const secrets = new Set<string>();
  if (settings.apiKey !== undefined) secrets.add(settings.apiKey.trim());
  // A header's name does not tell if its value is a secret. A message without a harmless value is still clear.
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

/** Returns the values of the URL's query, escaped and unescaped, since some services take their key in the URL. */
function queryValues(baseUrl: string | undefined): readonly string[] {
  if (baseUrl === undefined || !URL.canParse(baseUrl)) return [];
  const { search, searchParams } = new URL(baseUrl);
  const written = search.slice(1).split('&');
  return [...searchParams.values(), ...written.map((pair) => pair.slice(pair.indexOf('=') + 1))];
}

/** Returns a function that replaces the secrets. It ignores case, since a server may echo a header in capitals. */
function without(secrets: readonly string[]): (text: string) => string {
  if (secrets.length === 0) return (text) => text;
  const escaped = secrets.map((secret) => secret.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&'));
  const any = new RegExp(escaped.join('|'), 'gi');
  let spelt: RegExp | undefined;
  return (text) => {
    const cleaned = text.replace(any, REDACTED);
    if (!cleaned.includes('\\u')) return cleaned;
    spelt ??= new RegExp(secrets.map(speltForm).join('|'), 'gi');
    return cleaned.replace(spelt, REDACTED);
  };
}

/** Matches a secret of which any character may be written as `\u0073`, also in JSON within JSON. */
function speltForm(secret: string): string {
  return Array.from({ length: secret.length }, (_, at) => {
    const character = secret[at]!;
    const codes = [character.toLowerCase(), character.toUpperCase()].map((one) =>
      one.charCodeAt(0).toString(16).padStart(4, '0'),
    );
    return `(?:${character.replace(/[^a-z0-9]/i, '\\$&')}|\\\\+u(?:${codes.join('|')}))`;
  }).join('');
}
