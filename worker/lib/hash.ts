import { createHash } from 'node:crypto';

/** Hex SHA-256 of a text (UTF-8) or bytes. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Hex SHA-1, only where Fusio's commit hashes ask for it; never for security. */
export function sha1(data: string): string {
  return createHash('sha1').update(data).digest('hex');
}
