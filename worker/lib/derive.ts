import { createHmac, hkdfSync } from 'node:crypto';

/**
 * The root secret (32 bytes, base64), from which every key of the product is derived; or several: the first makes what is
 * new, the others are former ones that still read what they made.
 */
export type Secrets = string | readonly [string, ...string[]];

/** The root secrets of an environment. `SECRET_KEY_FORMER` lists retired ones, separated by commas. */
export function secretsOf(env: { SECRET_KEY: string; SECRET_KEY_FORMER?: string }): Secrets {
  const former = (env.SECRET_KEY_FORMER ?? '').split(',').map((text) => text.trim());
  return [env.SECRET_KEY, ...former.filter((text) => text !== '')];
}

/** A derived key and the short name by which stored data refers to it. Neither tells anything about the root. */
export interface NamedKey {
  id: string;
  bytes: Buffer;
}

const derived = new Map<string, NamedKey>();

/** The 32-byte key for one purpose: HKDF-SHA-256 (RFC 5869) of the (first) root secret, the purpose as context. */
export function deriveKey(secrets: Secrets, purpose: string): NamedKey {
  const secret = typeof secrets === 'string' ? secrets : secrets[0];
  const name = `${purpose} ${secret}`;
  let key = derived.get(name);
  if (key === undefined) {
    const bytes = Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'base64'), 'postern', purpose, 32));
    key = { id: createHmac('sha256', bytes).update('key id').digest('hex').slice(0, 8), bytes };
    derived.set(name, key);
  }
  return key;
}

/** The keys for one purpose of the current and the former root secrets, the current one first. */
export function deriveKeys(secrets: Secrets, purpose: string): NamedKey[] {
  const all = typeof secrets === 'string' ? [secrets] : secrets;
  return all.map((secret) => deriveKey(secret, purpose));
}

/** The key with this id for one purpose, among the current and the former secrets. */
export function findKey(secrets: Secrets, purpose: string, id: string): NamedKey | undefined {
  return deriveKeys(secrets, purpose).find((key) => key.id === id);
}
