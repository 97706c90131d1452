import { createHmac, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { isBcrypt, verifyBcrypt } from './bcrypt.ts';
import { deriveKey, findKey, type Secrets } from './derive.ts';

/**
 * Stored passwords: `$scrypt$v=1$ln=15,r=8,p=3,k=PEPPER$SALT$HASH` in the manner of a PHC string (salt and hash are base64
 * without padding). What is hashed is not the password but its HMAC under a pepper derived from the root secret, so that a
 * stolen table alone cannot be guessed at; `k` names the pepper. 2^15/8/3 costs 32 MiB and some 200 ms: more memory does
 * not fit beside the rest of an isolate, and PBKDF2 is capped by the platform.
 */
const cost = { ln: 15, r: 8, p: 3 } as const;
const saltLength = 16;
const hashLength = 32;

export interface PasswordVerdict {
  ok: boolean;
  /** The stored string is right but of other parameters, a former pepper or bcrypt: store `hashPassword` of the password. */
  rehash: boolean;
}

/** The string to store for a password. */
export async function hashPassword(password: string, secrets: Secrets): Promise<string> {
  const pepper = deriveKey(secrets, 'password');
  const salt = randomBytes(saltLength);
  const hash = await work(pepper.bytes, password, salt, cost);
  return `$scrypt$v=1$ln=${cost.ln},r=${cost.r},p=${cost.p},k=${pepper.id}$${base64(salt)}$${base64(hash)}`;
}

/**
 * Compares a password with a stored string. Null (an unknown user, or one without a password) and strings that cannot be
 * read take the same work as a wrong password, so that time does not tell them apart. The exception is a bcrypt hash that an
 * import brought: until its owner has logged in once, its own work takes the place of ours, and time tells that there is such a user.
 */
export async function verifyPassword(
  password: string,
  stored: string | null,
  secrets: Secrets,
): Promise<PasswordVerdict> {
  if (stored !== null && isBcrypt(stored)) {
    const ok = verifyBcrypt(password, stored);
    return { ok, rehash: ok };
  }
  const known = stored === null ? null : parse(stored, secrets);
  const { pepper, salt, hash, ln, r, p } = known ?? unknown(secrets);
  const equal = timingSafeEqual(await work(pepper, password, salt, { ln, r, p }), hash);
  const ok = equal && known !== null;
  return { ok, rehash: ok && !isCurrent(known, secrets) };
}

/** Whether a string can be stored as a password that was hashed elsewhere: bcrypt, or our own form under a secret that is known. */
export function isUsableHash(stored: string, secrets: Secrets): boolean {
  return isBcrypt(stored) || parse(stored, secrets) !== null;
}

interface Parsed extends Cost {
  pepperId: string;
  pepper: Buffer;
  salt: Buffer;
  hash: Buffer;
}

const shape =
  /^\$scrypt\$v=1\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2}),k=([0-9a-f]{8})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43})$/;

function parse(stored: string, secrets: Secrets): Parsed | null {
  const [, ln, r, p, pepperId, salt, hash] = shape.exec(stored) ?? [];
  if (pepperId === undefined || salt === undefined || hash === undefined) {
    return null;
  }
  const pepper = findKey(secrets, 'password', pepperId);
  const read = { ln: Number(ln), r: Number(r), p: Number(p) };
  // 64 MiB is the most that fits beside the rest of an isolate.
  const affordable = read.ln >= 1 && read.r >= 1 && read.p >= 1 && read.p <= 16 && memory(read) <= 2 ** 26;
  if (pepper === undefined || !affordable) {
    return null;
  }
  const salted = { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
  return { ...read, pepperId, pepper: pepper.bytes, ...salted };
}

/** What is worked on when there is nothing to compare with. */
function unknown(secrets: Secrets): Parsed {
  const pepper = deriveKey(secrets, 'password');
  const bytes = { salt: Buffer.alloc(saltLength), hash: Buffer.alloc(hashLength) };
  return { ...cost, pepperId: pepper.id, pepper: pepper.bytes, ...bytes };
}

function isCurrent({ ln, r, p, pepperId }: Parsed, secrets: Secrets): boolean {
  return ln === cost.ln && r === cost.r && p === cost.p && pepperId === deriveKey(secrets, 'password').id;
}

interface Cost {
  ln: number;
  r: number;
  p: number;
}

/** Bytes that one evaluation needs (RFC 7914 §2). */
function memory({ ln, r }: Cost): number {
  return 128 * 2 ** ln * r;
}

function work(pepper: Buffer, password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> {
  const peppered = createHmac('sha256', pepper).update(password.normalize('NFC')).digest();
  // The default `maxmem` of 32 MiB does not suffice for 2^15/8.
  const options: ScryptOptions = { N: 2 ** ln, r, p, maxmem: memory({ ln, r, p }) + 2 ** 20 };
  return new Promise((resolve, reject) => {
    scrypt(peppered, salt, hashLength, options, (error, hash) => (error === null ? resolve(hash) : reject(error)));
  });
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
