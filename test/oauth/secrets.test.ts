import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deriveKey, findKey, secretsOf } from '../../worker/lib/derive.ts';
import { hashPassword, verifyPassword } from '../../worker/lib/password.ts';
import { type Envelope, isEnvelope, isSealOf, open, SealError, seal } from '../../worker/lib/seal.ts';

const secret = randomBytes(32).toString('base64');
const other = randomBytes(32).toString('base64');

describe('derived keys', () => {
  it('differ by purpose and by root secret, and are the same every time', () => {
    expect(deriveKey(secret, 'a').bytes).toEqual(deriveKey(secret, 'a').bytes);
    expect(deriveKey(secret, 'a').bytes).not.toEqual(deriveKey(secret, 'b').bytes);
    expect(deriveKey(secret, 'a').bytes).not.toEqual(deriveKey(other, 'a').bytes);
  });

  it('follow RFC 5869 with SHA-256', () => {
    const root = Buffer.alloc(32, 7).toString('base64');
    // Extract and expand by hand: one block suffices for 32 bytes.
    expect(deriveKey(root, 'seal').bytes.toString('hex')).toBe(
      '1842cd1d8415caee28c6b588f39042a3662b15e6ce824bbba981e8417d6b85b8',
    );
  });

  it('are found by id under former secrets', () => {
    const { id } = deriveKey(other, 'seal');
    expect(findKey([secret, other], 'seal', id)?.bytes).toEqual(deriveKey(other, 'seal').bytes);
    expect(findKey([secret], 'seal', id)).toBeUndefined();
    expect(secretsOf({ SECRET_KEY: secret, SECRET_KEY_FORMER: ` ${other} ,` })).toEqual([secret, other]);
    expect(secretsOf({ SECRET_KEY: secret })).toEqual([secret]);
  });
});

describe('sealed secrets', () => {
  const place = 'acme/connection/7/password';

  it('come back for the same place, through JSON', async () => {
    const envelope = JSON.parse(JSON.stringify(await seal('pässword ✓', place, secret)));
    expect(isEnvelope(envelope)).toBe(true);
    expect(await open(envelope, place, secret)).toBe('pässword ✓');
  });

  it('never show the text, and never look alike', async () => {
    const [a, b] = [await seal('hunter2', place, secret), await seal('hunter2', place, secret)];
    expect(JSON.stringify(a)).not.toContain('hunter2');
    expect(a.$sealed.data).not.toBe(b.$sealed.data);
    expect(a.$sealed.dek).not.toBe(b.$sealed.dek);
    const elsewhere = await seal('hunter2', 'acme/connection/8/password', secret);
    expect(elsewhere.$sealed.digest).not.toBe(a.$sealed.digest);
  });

  it('do not open when moved, altered or under another root secret', async () => {
    const envelope = await seal('hunter2', place, secret);
    await expect(open(envelope, 'acme/connection/8/password', secret)).rejects.toThrow(SealError);
    await expect(open(envelope, place, other)).rejects.toThrow(SealError);
    for (const member of ['dek', 'data', 'kid'] as const) {
      const altered = envelope.$sealed[member].replace(/^./, (first) => (first === 'a' ? 'b' : 'a'));
      const broken: Envelope = { $sealed: { ...envelope.$sealed, [member]: altered } };
      await expect(open(broken, place, secret)).rejects.toThrow(SealError);
    }
    // The wrapped key of one envelope does not open the data of another.
    const second = await seal('hunter3', place, secret);
    const mixed: Envelope = { $sealed: { ...envelope.$sealed, data: second.$sealed.data } };
    await expect(open(mixed, place, secret)).rejects.toThrow(SealError);
  });

  it('tell an unchanged secret without opening it, and ask for renewal after a change of the root secret', async () => {
    const envelope = await seal('hunter2', place, secret);
    expect(isSealOf('hunter2', envelope, place, secret)).toBe(true);
    expect(isSealOf('hunter3', envelope, place, secret)).toBe(false);
    expect(isSealOf('hunter2', envelope, 'elsewhere', secret)).toBe(false);
    expect(isSealOf('hunter2', envelope, place, [other, secret])).toBe(false);
    expect(await open(envelope, place, [other, secret])).toBe('hunter2');
  });
});

describe('passwords', () => {
  it('are stored as scrypt 2^15/8/3 with salt and pepper id', async () => {
    const stored = await hashPassword('Test1234!x', secret);
    expect(stored).toMatch(/^\$scrypt\$v=1\$ln=15,r=8,p=3,k=[0-9a-f]{8}\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await hashPassword('Test1234!x', secret)).not.toBe(stored);
    expect(await verifyPassword('Test1234!x', stored, secret)).toEqual({ ok: true, rehash: false });
    expect(await verifyPassword('Test1234!X', stored, secret)).toEqual({ ok: false, rehash: false });
  });

  it('do not verify without the pepper, and ask for a rehash under a former one', async () => {
    const stored = await hashPassword('Test1234!x', other);
    expect(await verifyPassword('Test1234!x', stored, secret)).toEqual({ ok: false, rehash: false });
    expect(await verifyPassword('Test1234!x', stored, [secret, other])).toEqual({ ok: true, rehash: true });
  });

  it('are refused for unknown users and strings that cannot be read, whatever the password', async () => {
    const stored = await hashPassword('Test1234!x', secret);
    const unreadable = [null, '', 'Test1234!x', '$2y$10$abcdefghijklmnopqrstuv', stored.replace('v=1', 'v=2')];
    // Parameters that would take the isolate down are not worked on.
    for (const text of [...unreadable, stored.replace('ln=15', 'ln=30'), stored.replace('p=3', 'p=99')]) {
      expect(await verifyPassword('Test1234!x', text, secret)).toEqual({ ok: false, rehash: false });
    }
    // The dummy that unknown users are compared with has no password.
    for (const guess of ['', '\0', ' ']) {
      expect((await verifyPassword(guess, null, secret)).ok).toBe(false);
    }
  });
});
