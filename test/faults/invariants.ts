import { expect } from 'vitest';
import type { Gateway } from '../helpers/gateway.ts';
import { type Answer, request } from '../helpers/management.ts';
import type { Failed } from './sweep.ts';

// What holds whatever fails, named: the sweeps judge by these. That a revision is whole: whole.ts.

/**
 * An answer is ours: success or, where something failed, 503 in the form of its endpoint that says when to come again. Never
 * a bare 500, never a broken connection.
 */
export function answersWell({ status, headers, body }: Answer, failed: Failed | null): void {
  const good = failed === null ? [200, 201] : [200, 201, 503];
  expect([status, body]).toEqual([expect.toBeOneOf(good), expect.anything()]);
  if (status === 503) {
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    // The token endpoint speaks RFC 6749's errors.
    const shape = 'error' in body ? { error: 'temporarily_unavailable' } : { success: false, code: expect.any(String) };
    expect(body).toMatchObject(shape);
  }
}

/** Whether an access token is good. */
export async function alive(gateway: Gateway, token: string): Promise<boolean> {
  const { status } = await request(gateway, 'GET', '/authorization/whoami', undefined, {
    headers: { Authorization: `Bearer ${token}` },
  });
  expect([200, 401]).toContain(status);
  return status === 200;
}

/** Tokens that were answered work: the access token at once, the refresh token once and then never again. */
export async function tokensWork(
  gateway: Gateway,
  tokens: { access_token: string; refresh_token: string },
  renew: (refreshToken: string) => Promise<Answer>,
): Promise<void> {
  expect(await alive(gateway, tokens.access_token), 'the access token').toBe(true);
  expect((await renew(tokens.refresh_token)).status, 'the refresh token').toBe(200);
  expect((await renew(tokens.refresh_token)).status, 'the refresh token, used').toBe(400);
}

/** A limit is never exceeded, and a fault costs no more than it may. `admitted` counts all calls of one caller. */
export function withinLimit(admitted: number, limit: number, forfeited: number): void {
  expect(admitted).toBeLessThanOrEqual(limit);
  expect(admitted).toBeGreaterThanOrEqual(limit - forfeited);
}

/** Of some things that belong together all are there, or none. Gives which. */
export function allOrNone(there: readonly boolean[]): boolean {
  expect(new Set(there).size, `all or none: ${there}`).toBe(1);
  return there[0] ?? false;
}
