import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKey, findKey, type Secrets } from './derive.ts';

/**
 * A secret at rest. Its own random key (AES-256-GCM) is wrapped by a key derived from the root secret `kid`; `digest`
 * tells whether another plain text is the same one without opening it. All members but `v` and `kid` are base64url.
 */
export interface Envelope {
  $sealed: { v: 1; kid: string; dek: string; data: string; digest: string };
}

export function isEnvelope(value: unknown): value is Envelope {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$sealed');
}

/** Thrown when an envelope was moved, altered, or made under a root secret that is not at hand. Says nothing more. */
export class SealError extends Error {
  constructor() {
    super('A sealed secret could not be opened');
    this.name = 'SealError';
  }
}

/**
 * Seals a text under the current root secret. `place` says where it belongs (`tenant/table/id/field`): an envelope that is
 * moved to another place cannot be opened there.
 */
export async function seal(plain: string, place: string, secrets: Secrets): Promise<Envelope> {
  const kek = deriveKey(secrets, 'seal');
  const dek = crypto.getRandomValues(new Uint8Array(32));
  return {
    $sealed: {
      v: 1,
      kid: kek.id,
      dek: await encrypt(kek.bytes, dek, `key ${place}`),
      data: await encrypt(dek, new TextEncoder().encode(plain), `data ${place}`),
      digest: digest(plain, place, secrets).toString('base64url'),
    },
  };
}

/** Opens what `seal` made for the same place. Throws SealError. */
export async function open(envelope: Envelope, place: string, secrets: Secrets): Promise<string> {
  const { v, kid, dek, data } = envelope.$sealed;
  const kek = findKey(secrets, 'seal', kid);
  if (v !== 1 || kek === undefined) {
    throw new SealError();
  }
  try {
    const key = await decrypt(kek.bytes, dek, `key ${place}`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await decrypt(key, data, `data ${place}`));
  } catch {
    throw new SealError();
  }
}

/**
 * Whether the envelope holds this text, sealed under the current root secret: then it need not be sealed anew. False for
 * envelopes of a former secret, so that saving renews them.
 */
export function isSealOf(plain: string, envelope: Envelope, place: string, secrets: Secrets): boolean {
  const { v, kid, digest: stored } = envelope.$sealed;
  if (v !== 1 || kid !== deriveKey(secrets, 'seal').id) {
    return false;
  }
  const given = Buffer.from(String(stored), 'base64url');
  const wanted = digest(plain, place, secrets);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** The place is part of it, so that equal secrets in two records do not look equal. */
function digest(plain: string, place: string, secrets: Secrets): Buffer {
  return createHmac('sha256', deriveKey(secrets, 'seal digest').bytes).update(`${place}\0${plain}`).digest();
}

const ivLength = 12;

/** IV (96 random bits), cipher text and tag, in this order. */
async function encrypt(key: Uint8Array, plain: Uint8Array, context: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(ivLength));
  const cipher = await crypto.subtle.encrypt(gcm(iv, context), await aesKey(key, 'encrypt'), plain);
  return Buffer.concat([iv, new Uint8Array(cipher)]).toString('base64url');
}

async function decrypt(key: Uint8Array, text: string, context: string): Promise<Uint8Array> {
  const bytes = Buffer.from(text, 'base64url');
  const iv = bytes.subarray(0, ivLength);
  const plain = await crypto.subtle.decrypt(gcm(iv, context), await aesKey(key, 'decrypt'), bytes.subarray(ivLength));
  return new Uint8Array(plain);
}

function gcm(iv: Uint8Array, context: string) {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(context), tagLength: 128 };
}

function aesKey(key: Uint8Array, usage: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, [usage]);
}
