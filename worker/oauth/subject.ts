import { createHash } from 'node:crypto';

/**
 * `sub` of a user's tokens: the name-based UUID that Fusio makes of base URL and user id, digit for digit (it takes the
 * digits of a SHA-1 and uses one of them twice), so that who knows a user by it still does after a migration.
 */
export function subjectOf(baseUrl: string, userId: number): string {
  const digits = createHash('sha1').update(`${baseUrl}-${userId}`).digest('hex');
  const version = `5${digits.slice(13, 16)}`;
  const variant = ((Number.parseInt(digits.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  const parts = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    version,
    variant + digits.slice(17, 19),
    digits.slice(18, 30),
  ];
  return parts.join('-');
}
