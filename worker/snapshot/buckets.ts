import { sha256 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';

/**
 * The content of a revision is two-level: a manifest names the buckets of every kind by hash, a bucket holds rows. A change
 * of one row rewrites its bucket and the manifest; both are immutable and addressed by their SHA-256.
 */
export interface Manifest {
  /** Format; readers of a release understand the one before. */
  format: 1;
  /** kind → bucket number → hash. Empty buckets are absent. */
  buckets: Record<string, Record<string, string>>;
}

export const emptyManifest: Manifest = { format: 1, buckets: {} };

/** Number of the bucket that a key falls into (FNV-1a). */
export function bucketOf(key: string | number, buckets: number): number {
  if (buckets === 1) {
    return 0;
  }
  if (typeof key === 'number') {
    return key % buckets;
  }
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % buckets;
}

/** How the rows of a kind are spread. `route` and `pin` are derived kinds; the others are resources. */
export interface Sharding {
  by: 'id' | 'name';
  buckets: number;
}

export const derivedKinds: Record<string, Sharding> = {
  /** What routing needs of every active or inactive operation, loaded eagerly. */
  route: { by: 'id', buckets: 64 },
  /** Actions and schemas at a pinned commit, named `action/Name@commit`. */
  pin: { by: 'name', buckets: 64 },
  key: { by: 'id', buckets: 1 },
};

export interface Bucket {
  hash: string;
  body: string;
}

/** Rows in a stable order, as text, with its hash; null for an empty bucket. */
export function encodeBucket(rows: readonly { id: number }[]): Bucket | null {
  if (rows.length === 0) {
    return null;
  }
  const body = canonicalJson(
    [...rows].sort((a, b) => a.id - b.id || String((a as any).name).localeCompare(String((b as any).name))),
  );
  return { hash: sha256(body), body };
}

export function encodeManifest(manifest: Manifest): Bucket {
  const body = canonicalJson(manifest);
  return { hash: sha256(body), body };
}
