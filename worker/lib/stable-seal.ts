import { createHmac } from 'node:crypto';
import { deriveKey, findKey, type Secrets } from './derive.ts';

// Backups are compared byte by byte, so a secret in one has to look the same each time. The initialization vector is a keyed
// hash of text and place (as in SIV modes): it comes again only where both do, and then so does the cipher text.

const prefix = 'sealed:v1:';
const ivLength = 12;

/** Seals a text so that the same text at the same place (`connection/Name/config/member`) gives the same result. */
export async function sealStably(plain: string, place: string, secrets: Secrets): Promise<string> {
  const key = deriveKey(secrets, 'backup seal');
  const hash = createHmac('sha256', deriveKey(secrets, 'backup iv').bytes).update(`${place}\0${plain}`).digest();
  const iv = new Uint8Array(hash.subarray(0, ivLength));
  const cipher = await crypto.subtle.encrypt(
    gcm(iv, place),
    await aesKey(key.bytes, 'encrypt'),
    new TextEncoder().encode(plain),
  );
  return `${prefix}${key.id}:${Buffer.concat([iv, new Uint8Array(cipher)]).toString('base64url')}`;
}

export function isStablySealed(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(prefix);
}

/** Opens what `sealStably` made for the same place; null when it was altered, moved, or made under another root secret. */
export async function openStably(sealed: string, place: string, secrets: Secrets): Promise<string | null> {
  const [kid = '', text = ''] = sealed.slice(prefix.length).split(':');
  const key = findKey(secrets, 'backup seal', kid);
  const bytes = Buffer.from(text, 'base64url');
  if (key === undefined) {
    return null;
  }
  try {
    const iv = new Uint8Array(bytes.subarray(0, ivLength));
    const plain = await crypto.subtle.decrypt(
      gcm(iv, place),
      await aesKey(key.bytes, 'decrypt'),
      new Uint8Array(bytes.subarray(ivLength)),
    );
    return new TextDecoder().decode(plain);
  } catch {
    return null;
  }
}

function gcm(iv: Uint8Array, place: string) {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(place), tagLength: 128 };
}

function aesKey(bytes: Uint8Array, usage: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, [usage]);
}
