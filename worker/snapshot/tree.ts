import { sha256 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';

/**
 * Rows of one kind as a tree of immutable nodes, each addressed by the SHA-256 of its text. A leaf holds rows, a branch names
 * nodes by a digit of their keys' hashes. A node is a leaf as long as its rows fit into one, so the same rows always make
 * the same tree, and a change rewrites one leaf and the branches above it, whatever the number of rows.
 */
export type Ref = [hash: string, size: number, rows: number, branch?: 1];

/** Digit → node. */
export type Branch = Record<string, Ref>;

/** The topmost node; a branch stands in the manifest itself. */
export type Root = Ref | Branch;

/** How the rows of a kind are spread. These are part of the format: a change of them needs a new one. */
export interface Shape {
  by: 'id' | 'name';
  /** Bits per digit: a branch has at most 2 ** bits nodes. */
  bits: number;
  /** Characters of rows in a leaf; a single row may be longer. */
  leaf: number;
}

export interface TreeRow {
  id: number;
  name?: unknown;
}

/** A row to put, or to take out (`row: null`). Rows are told apart by `identity` within a key. */
export interface Edit {
  key: string | number;
  identity: string | number;
  row: TreeRow | null;
}

/** A node as it is stored. */
export interface Content {
  hash: string;
  body: string;
}

/** Gives parsed nodes by hash; throws when one cannot be had. */
export type Load = <T>(hashes: readonly string[]) => Promise<Map<string, T>>;

export interface Rewritten {
  /** Undefined when no row is left. */
  root: Root | undefined;
  written: Content[];
  /** Nodes that the tree no longer has. */
  dropped: string[];
}

/** Applies edits, in their order, and tells which nodes come and go. */
export async function rewriteTree(
  root: Root | undefined,
  edits: readonly Edit[],
  shape: Shape,
  identityOf: (row: TreeRow) => string | number,
  load: Load,
): Promise<Rewritten> {
  const hashed = edits.map((edit) => ({ ...edit, path: hashOf(edit.key) }));
  const nodes = await touched(root, hashed, shape, load);
  const written = new Map<string, string>();
  const dropped = new Set<string>();

  async function nodeAt<T>([hash]: Ref): Promise<T> {
    dropped.add(hash);
    return (nodes.get(hash) ?? (await load<T>([hash])).get(hash)) as T;
  }

  async function change(node: Root | undefined, edits: readonly Hashed[], level: number): Promise<Built> {
    if (node === undefined || (isRef(node) && !isBranch(node))) {
      const rows = node === undefined ? [] : await nodeAt<TreeRow[]>(node);
      return build(apply(rows.map(kept), edits), level);
    }
    const branch: Branch = isRef(node) ? await nodeAt<Branch>(node) : node;
    const children = new Map<string, Built | Ref>(Object.entries(branch));
    for (const [digit, group] of groupBy(edits, (edit) => digitOf(edit.path, level, shape))) {
      const child = await change(branch[digit], group, level + 1);
      child.count === 0 ? children.delete(digit) : children.set(digit, child);
    }
    let [size, count] = [0, 0];
    for (const child of children.values()) {
      size += isRef(child) ? child[1] : child.size;
      count += isRef(child) ? child[2] : child.count;
    }
    if (!fits(size, count, level)) {
      return { size, count, branch: Object.fromEntries([...children].map(([digit, child]) => [digit, store(child)])) };
    }
    const rows: Kept[] = [];
    for (const child of children.values()) {
      rows.push(...(isRef(child) ? (await nodeAt<TreeRow[]>(child)).map(kept) : (child as BuiltLeaf).rows));
    }
    return { size, count, rows };
  }

  const apply = (rows: Kept[], edits: readonly Hashed[]): Kept[] => {
    const merged = new Map(rows.map((row) => [identityOf(row.row), row]));
    for (const { identity, row } of edits) {
      row === null ? merged.delete(identity) : merged.set(identity, { row, text: canonicalJson(row) });
    }
    return [...merged.values()];
  };

  const build = (rows: Kept[], level: number): Built => {
    const size = rows.reduce((sum, { text }) => sum + text.length + 1, 0);
    if (fits(size, rows.length, level)) {
      return { size, count: rows.length, rows };
    }
    const groups = groupBy(rows, ({ row }) => digitOf(hashOf(keyOf(row, shape.by)), level, shape));
    const children = [...groups].map(([digit, group]) => [digit, store(build(group, level + 1))] as const);
    return { size, count: rows.length, branch: Object.fromEntries(children) };
  };

  const fits = (size: number, count: number, level: number) =>
    size <= shape.leaf || count <= 1 || (level + 1) * shape.bits > 32;

  const store = (node: Built | Ref): Ref => {
    if (isRef(node)) {
      return node;
    }
    const body = 'rows' in node ? leafText(node.rows) : canonicalJson(node.branch);
    const hash = sha256(body);
    written.set(hash, body);
    return 'rows' in node ? [hash, node.size, node.count] : [hash, node.size, node.count, 1];
  };

  const built = await change(root, hashed, 0);
  const next = built.count === 0 ? undefined : 'rows' in built ? store(built) : built.branch;
  // What was taken apart and put together again the same has neither come nor gone.
  const same = [...dropped].filter((hash) => written.has(hash));
  for (const hash of same) {
    written.delete(hash);
    dropped.delete(hash);
  }
  return { root: next, written: [...written].map(([hash, body]) => ({ hash, body })), dropped: [...dropped] };
}

/** Every branch below a root, by hash; those in `known` are not loaded again. */
export async function loadBranches(
  root: Root | undefined,
  known: ReadonlyMap<string, Branch>,
  load: Load,
): Promise<Map<string, Branch>> {
  const branches = new Map<string, Branch>();
  let frontier = branchesIn(root);
  while (frontier.length > 0) {
    const missing = frontier.filter((hash) => !known.has(hash));
    const loaded = missing.length === 0 ? new Map<string, Branch>() : await load<Branch>(missing);
    const next: string[] = [];
    for (const hash of frontier) {
      const branch = known.get(hash) ?? loaded.get(hash)!;
      branches.set(hash, branch);
      next.push(...branchesIn(branch));
    }
    frontier = next;
  }
  return branches;
}

/** Hashes of all leaves. `branches` holds every branch below the root. */
export function leavesOf(root: Root | undefined, branches: ReadonlyMap<string, Branch>): string[] {
  if (root === undefined) {
    return [];
  }
  if (isRef(root)) {
    return isBranch(root) ? leavesOf(branches.get(root[0])!, branches) : [root[0]];
  }
  return Object.values(root).flatMap((ref) => leavesOf(ref, branches));
}

/** The leaf that a key's row is in, if it exists. `branches` holds every branch below the root. */
export function leafOf(
  root: Root | undefined,
  branches: ReadonlyMap<string, Branch>,
  shape: Shape,
  key: string | number,
): string | undefined {
  const path = hashOf(key);
  let node = root;
  for (let level = 0; node !== undefined; level++) {
    if (isRef(node) && !isBranch(node)) {
      return node[0];
    }
    const branch: Branch = isRef(node) ? branches.get(node[0])! : node;
    node = branch[digitOf(path, level, shape)];
  }
  return undefined;
}

/** Leaves that only one of two trees has; parts that are the same are not looked into. */
export async function differingLeaves(
  from: Root | undefined,
  to: Root | undefined,
  load: Load,
): Promise<{ from: string[]; to: string[] }> {
  if (from !== undefined && to !== undefined && isRef(from) && isRef(to) && from[0] === to[0]) {
    return { from: [], to: [] };
  }
  const [left, right] = await Promise.all([opened(from, load), opened(to, load)]);
  if (left === null || right === null) {
    const all = async (root: Root | undefined) => leavesOf(root, await loadBranches(root, new Map(), load));
    return { from: await all(from), to: await all(to) };
  }
  const digits = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter(
    (digit) => left[digit]?.[0] !== right[digit]?.[0],
  );
  await load([...new Set(digits.flatMap((digit) => [left[digit], right[digit]].flatMap(branchHash)))]);
  const parts = { from: [] as string[], to: [] as string[] };
  for (const digit of digits) {
    const part = await differingLeaves(left[digit], right[digit], load);
    parts.from.push(...part.from);
    parts.to.push(...part.to);
  }
  return parts;
}

/** The branch that a node is; null for a leaf or nothing. */
async function opened(node: Root | undefined, load: Load): Promise<Branch | null> {
  if (node === undefined || (isRef(node) && !isBranch(node))) {
    return null;
  }
  return isRef(node) ? (await load<Branch>([node[0]])).get(node[0])! : node;
}

/** What a change will read, level by level, so that each level is one bulk read. */
async function touched(
  root: Root | undefined,
  edits: readonly Hashed[],
  shape: Shape,
  load: Load,
): Promise<Map<string, unknown>> {
  const nodes = new Map<string, unknown>();
  let frontier: { node: Root; edits: readonly Hashed[] }[] = root === undefined ? [] : [{ node: root, edits }];
  for (let level = 0; frontier.length > 0; level++) {
    const hashes = frontier.flatMap(({ node }) => (isRef(node) ? [node[0]] : []));
    for (const [hash, node] of hashes.length === 0 ? [] : await load<unknown>(hashes)) {
      nodes.set(hash, node);
    }
    frontier = frontier.flatMap(({ node, edits }) => {
      if (isRef(node) && !isBranch(node)) {
        return [];
      }
      const branch = isRef(node) ? (nodes.get(node[0]) as Branch) : node;
      return [...groupBy(edits, (edit) => digitOf(edit.path, level, shape))].flatMap(([digit, group]) =>
        branch[digit] === undefined ? [] : [{ node: branch[digit], edits: group }],
      );
    });
  }
  return nodes;
}

interface Hashed extends Edit {
  path: number;
}

/** A row with its text. */
interface Kept {
  row: TreeRow;
  text: string;
}

interface BuiltLeaf {
  size: number;
  count: number;
  rows: Kept[];
}

type Built = BuiltLeaf | { size: number; count: number; branch: Branch };

/** A row that was read keeps the order of members that it was written in. */
function kept(row: TreeRow): Kept {
  return { row, text: JSON.stringify(row) };
}

function leafText(rows: Kept[]): string {
  const text = (row: TreeRow) => String(row.name);
  const before = (a: TreeRow, b: TreeRow) => a.id - b.id || (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0);
  return `[${[...rows]
    .sort((a, b) => before(a.row, b.row))
    .map(({ text }) => text)
    .join(',')}]`;
}

/** What a row is found by; rows of a kind without names by their ids. */
export function keyOf(row: TreeRow, by: Shape['by']): string | number {
  return by === 'id' ? row.id : String(row.name ?? row.id);
}

function digitOf(path: number, level: number, { bits }: Shape): string {
  return String((path >>> (level * bits)) & ((1 << bits) - 1));
}

/** FNV-1a, with a finish that spreads near keys over all bits. */
function hashOf(key: string | number): number {
  const text = String(key);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function isRef(node: Root | Built): node is Ref {
  return Array.isArray(node);
}

function isBranch(ref: Ref): boolean {
  return ref[3] === 1;
}

function branchHash(ref: Ref | undefined): string[] {
  return ref !== undefined && isBranch(ref) ? [ref[0]] : [];
}

/** Hashes of the branches right below a node. What stays from one revision to the next is looked through once. */
function branchesIn(node: Root | undefined): string[] {
  if (node === undefined || isRef(node)) {
    return node === undefined ? [] : branchHash(node);
  }
  const known = below.get(node);
  if (known !== undefined) {
    return known;
  }
  const hashes = Object.values(node).flatMap(branchHash);
  below.set(node, hashes);
  return hashes;
}

const below = new WeakMap<Branch, string[]>();

function groupBy<T>(items: readonly T[], digit: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = digit(item);
    const group = groups.get(key);
    group === undefined ? groups.set(key, [item]) : group.push(item);
  }
  return groups;
}
