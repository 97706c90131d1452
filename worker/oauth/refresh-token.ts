import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { deriveKey, deriveKeys, type Secrets } from '../lib/derive.ts';

// Fusio's shape: 20, 48 and 10 hexadecimal digits. Ours are the family's id, the secret, and a check over both.
const shape = /^([0-9a-f]{20})-([0-9a-f]{48})-([0-9a-f]{10})$/;

/** A new family's id: 80 random bits. */
export function newFamily(): string {
  return randomBytes(10).toString('hex');
}

/** A new refresh token of a family (192 random bits), and the hash that is all that is kept of it. */
export function newRefreshToken(secrets: Secrets, tenant: string, family: string): { token: string; hash: string } {
  const secret = randomBytes(24).toString('hex');
  const token = `${family}-${secret}-${checkOf(deriveKey(secrets, purpose).bytes, tenant, family, secret)}`;
  return { token, hash: hashOf(token) };
}

/**
 * The family of a presented refresh token; null when the check is wrong, which costs no look-up: nobody else can make up a
 * token that would wake an object.
 */
export function readRefreshToken(
  secrets: Secrets,
  tenant: string,
  token: string,
): { family: string; hash: string } | null {
  const [, family, secret, check] = shape.exec(token) ?? [];
  if (family === undefined || secret === undefined || check === undefined) {
    return null;
  }
  const right = deriveKeys(secrets, purpose).some(({ bytes }) =>
    timingSafeEqual(Buffer.from(checkOf(bytes, tenant, family, secret)), Buffer.from(check)),
  );
  return right ? { family, hash: hashOf(token) } : null;
}

const purpose = 'refresh token check';

function checkOf(key: Buffer, tenant: string, family: string, secret: string): string {
  return createHmac('sha256', key).update(`${tenant}\0${family}-${secret}`).digest('hex').slice(0, 10);
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
