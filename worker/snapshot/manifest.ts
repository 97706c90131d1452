import { sha256 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';
import { resources } from '../resources/index.ts';
import type { Content, Root, Shape, TreeRow } from './tree.ts';

/** What a revision is: for each kind of rows the tree that they are in. Immutable, addressed by its SHA-256. */
export interface Manifest {
  /** Format; readers of a release understand the one before. */
  format: 1;
  /** Kinds without rows are absent. */
  kinds: Record<string, Root>;
}

export const emptyManifest: Manifest = { format: 1, kinds: {} };

export function encodeManifest(manifest: Manifest): Content {
  const body = canonicalJson(manifest);
  return { hash: sha256(body), body };
}

/** Kinds that are derived; the others are resources. */
const derived: Record<string, Shape> = {
  /** What routing needs of every operation. Isolates load all of it, so its leaves are few. */
  route: { by: 'id', bits: 4, leaf: 24_000 },
  /** Actions and schemas at a pinned commit, named `action/Name@commit`. */
  pin: { by: 'name', bits: 5, leaf: 24_000 },
  key: { by: 'id', bits: 5, leaf: 24_000 },
  /** The host names of tenants. */
  host: { by: 'name', bits: 5, leaf: 24_000 },
  tenant: { by: 'name', bits: 5, leaf: 24_000 },
};

/** How the rows of a kind are spread. */
export function shapeOf(kind: string): Shape {
  return derived[kind] ?? { by: resources.get(kind)!.keyedBy, bits: 5, leaf: 24_000 };
}

/** Whether several rows of a kind have one id; their keys tell them apart. */
export function sharesIds(kind: string): boolean {
  return kind === 'pin' || kind === 'host';
}

/** What tells the rows of a kind apart: pins of one object share its id, and so do the hosts of one tenant. */
export function identityOf(kind: string): (row: TreeRow) => string | number {
  return sharesIds(kind) ? (row) => String(row.name) : (row) => row.id;
}
