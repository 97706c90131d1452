import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { KeyRecord } from '../core/records.ts';
import { memo, type Snapshot } from '../core/snapshot.ts';
import { type Secrets, secretsOf } from '../lib/derive.ts';
import type { VerificationKey } from '../lib/jws.ts';
import { type Envelope, open, seal } from '../lib/seal.ts';
import { OAuthError } from './errors.ts';

/** Statuses of a key: 1 signs and verifies, 2 only verifies (retired), 0 does neither. */
const signs = 1;
const verifies = [1, 2];

/** A fresh key pair for ES256, the private half sealed: the members of a `KeyRecord` that are not of the row. */
export async function generateKey(
  tenant: string,
  now: number,
  secrets: Secrets,
): Promise<Pick<KeyRecord, 'kid' | 'alg' | 'public' | 'private' | 'created'>> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  const kid = await calculateJwkThumbprint(await exportJWK(pair.publicKey));
  const common = { kid, alg: 'ES256', use: 'sig' };
  const privateJwk = { ...(await exportJWK(pair.privateKey)), ...common };
  return {
    kid,
    alg: 'ES256',
    public: { ...(await exportJWK(pair.publicKey)), ...common },
    private: await seal(JSON.stringify(privateJwk), placeOf(tenant, kid), secrets),
    created: new Date(now).toISOString(),
  };
}

/** The published set of keys (RFC 7517 §5): what a resource server needs to verify our tokens, retired keys included. */
export function publicKeys(snapshot: Snapshot): { keys: Record<string, unknown>[] } {
  return { keys: snapshot.keys.filter(({ status }) => verifies.includes(status)).map((record) => record.public) };
}

/** The keys that tokens may be signed with. Made once per set of keys. */
export function verificationKeys(snapshot: Snapshot): readonly VerificationKey[] {
  return memo(snapshot.keys, 'verification', () =>
    snapshot.keys
      .filter(({ status }) => verifies.includes(status))
      .map(({ kid, alg, public: jwk }) => ({ kid, alg, jwk: jwk as JWK })),
  );
}

/** The key that new tokens are signed with: the youngest active one. Its private half is opened at first use. */
export async function signingKey(
  snapshot: Snapshot,
  env: Parameters<typeof secretsOf>[0],
): Promise<{ kid: string; alg: string; key: CryptoKey }> {
  const active = snapshot.keys.filter(({ status }) => status === signs);
  const record = active.reduce<KeyRecord | undefined>(
    (best, key) => (best && best.id > key.id ? best : key),
    undefined,
  );
  if (record === undefined) {
    throw new OAuthError('temporarily_unavailable', 'There is no key to sign tokens with');
  }
  const { kid, alg } = record;
  let key = opened.get(record);
  if (key === undefined) {
    const text = await open(record.private as Envelope, placeOf(snapshot.tenant, kid), secretsOf(env));
    const imported = await importJWK(JSON.parse(text), alg);
    if (imported instanceof Uint8Array) {
      throw new Error('A signing key must be asymmetric');
    }
    key = imported;
    opened.set(record, key);
  }
  return { kid, alg, key };
}

const opened = new WeakMap<KeyRecord, CryptoKey>();

function placeOf(tenant: string, kid: string): string {
  return `${tenant}/signing_key/${kid}/private`;
}
