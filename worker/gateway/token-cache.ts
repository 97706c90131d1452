import type { VerifiedToken } from '../oauth/access-token.ts';

interface Entry {
  tenant: string;
  verified: VerifiedToken;
  bytes: number;
}

/** Memory that verified tokens may take in an isolate, bytes by estimate. */
const capacity = 8 * 2 ** 20;

/** Verified tokens of this isolate, least recently used first. Plain data; says nothing about revocation. */
const entries = new Map<string, Entry>();
let held = 0;

/** What is known of a token that this isolate has verified; undefined when it has not, or the token is over. */
export function tokenFrom(token: string, tenant: string, now: number): VerifiedToken | undefined {
  const entry = entries.get(token);
  if (entry === undefined || entry.tenant !== tenant) {
    return undefined;
  }
  remove(token, entry);
  if (entry.verified.expires * 1000 <= now) {
    return undefined;
  }
  add(token, entry);
  return entry.verified;
}

/** Remembers a verified token until it ends or others need the room. */
export function rememberToken(token: string, tenant: string, verified: VerifiedToken): void {
  const known = entries.get(token);
  if (known !== undefined) {
    remove(token, known);
  }
  // The token, the caller's texts (not longer than the token), and what objects and the map cost.
  add(token, { tenant, verified, bytes: 4 * token.length + 1024 });
  for (const [oldest, entry] of entries) {
    if (held <= capacity) {
      break;
    }
    remove(oldest, entry);
  }
}

/** How much is held, for tests: entries and estimated bytes. */
export function tokenCacheSize(): { entries: number; bytes: number } {
  return { entries: entries.size, bytes: held };
}

function add(token: string, entry: Entry): void {
  entries.set(token, entry);
  held += entry.bytes;
}

function remove(token: string, entry: Entry): void {
  entries.delete(token);
  held -= entry.bytes;
}
