import { ApiError } from '../core/errors.ts';
import type { Env } from '../env.ts';
import { type Soon, soon } from '../lib/soon.ts';
import type { Content, Load } from './tree.ts';

/**
 * Immutable content by hash, sought in isolate memory, KV (which the data centre caches) and D1, in this order. What a
 * store gives is trusted by its hash alone, so a stale or missing copy can never be a wrong one.
 */

interface Entry {
  /** Until it is first asked for. */
  body: string | null;
  value: unknown;
  /** Characters of its text. */
  size: number;
}

/**
 * Characters of text whose parsed values an isolate keeps: of whole contents, and of single rows that calls asked for. With
 * what calls derive from them they take several times as many bytes of a heap of 128 MB (bench/RESULTS.md: 35 MB with
 * 20,000 operations, all called).
 */
const capacity = 3_000_000;
const rowCapacity = 4_000_000;
const memory = new Map<string, Entry>();
let size = 0;

/**
 * Rows that were asked for, by their leaf. They outlive the leaf: among 20,000 operations those that are called lie in more
 * leaves than there is room for.
 */
const asked = new Map<string, { rows: Map<string | number, unknown>; size: number }>();
let askedSize = 0;

/** KV's bulk read takes 100 keys; an invocation may have six connections open. */
const bulk = 100;
const lanes = 6;
/** KV that does not answer in time, milliseconds, is left alone for a while: D1 has everything too. */
const kvPatience = 1_000;
const kvRest = 5_000;
let kvRestsUntil = 0;

/** How content is sought. */
export interface Seeking {
  /** It is not remembered. */
  pass?: boolean;
  /** KV is left out: for a publish, which needs D1 anyway, and has of it in one query what KV counts and charges key by key. */
  stored?: boolean;
}

/**
 * Parsed content by hash; the same object for the same hash while it is remembered. Throws ApiError `unavailable` when some of
 * it is nowhere to be had.
 */
export async function loadContents<T>(
  env: Env,
  tenant: string,
  hashes: readonly string[],
  { pass = false, stored = false }: Seeking = {},
): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  const missing = new Set<string>();
  for (const hash of hashes) {
    const value = peekContent<T>(hash);
    value === undefined ? missing.add(hash) : found.set(hash, value);
  }
  const take = (hash: string, body: string) => {
    missing.delete(hash);
    const value = JSON.parse(body) as T;
    found.set(hash, value);
    if (!pass) {
      remember(hash, { body: null, value, size: body.length });
    }
  };
  if (missing.size > 0 && !stored) {
    await readKv(env, [...missing], take);
  }
  if (missing.size > 0) {
    await readDatabase(env, tenant, [...missing], take).catch((cause) => {
      throw unavailable(cause);
    });
  }
  if (missing.size > 0) {
    throw unavailable(new Error(`Configuration content is missing: ${[...missing].slice(0, 3).join(', ')}`));
  }
  return found;
}

/** `loadContents` of a tenant, for the functions of tree.ts. */
export function loaderOf(env: Env, tenant: string, seeking?: Seeking): Load {
  return <T>(hashes: readonly string[]) => loadContents<T>(env, tenant, hashes, seeking);
}

/** Parsed content that this isolate has in memory, without asking anybody. Touching moves it to the young end. */
export function peekContent<T>(hash: string): T | undefined {
  const entry = memory.get(hash);
  if (entry === undefined) {
    return undefined;
  }
  memory.delete(hash);
  memory.set(hash, entry);
  if (entry.body !== null) {
    entry.value = JSON.parse(entry.body);
    entry.body = null;
  }
  return entry.value as T;
}

/** One row of a leaf, by the key that `find` looks for; the same object for the same leaf while it is remembered. */
export function rowOf<T>(
  env: Env,
  tenant: string,
  hash: string,
  key: string | number,
  find: (rows: readonly T[]) => T | undefined,
): Soon<T | undefined> {
  const kept = asked.get(hash);
  const row = kept?.rows.get(key);
  if (row !== undefined) {
    asked.delete(hash);
    asked.set(hash, kept!);
    return row as T;
  }
  const leaf = peekContent<T[]>(hash) ?? loadContents<T[]>(env, tenant, [hash]).then((found) => found.get(hash)!);
  return soon(leaf, (rows) => {
    const found = find(rows);
    if (found !== undefined) {
      keepRow(hash, key, found, (memory.get(hash)?.size ?? 0) / rows.length);
    }
    return found;
  });
}

function keepRow(hash: string, key: string | number, row: unknown, length: number): void {
  const kept = asked.get(hash) ?? { rows: new Map(), size: 0 };
  if (kept.rows.has(key)) {
    // Another call found it meanwhile: it counts once.
    return;
  }
  kept.rows.set(key, row);
  kept.size += length;
  askedSize += length;
  asked.delete(hash);
  asked.set(hash, kept);
  for (const [oldest, gone] of asked) {
    if (askedSize <= rowCapacity || oldest === hash) {
      break;
    }
    asked.delete(oldest);
    askedSize -= gone.size;
  }
}

/** Remembers content that this isolate made itself: it is the next to be asked for. More than a part of the room is not kept. */
export function keepContents(contents: readonly Content[]): void {
  if (contents.reduce((sum, { body }) => sum + body.length, 0) < capacity / 4) {
    for (const { hash, body } of contents) {
      remember(hash, { body, value: undefined, size: body.length });
    }
  }
}

/** Offers content to KV, as much of it as `patience` (milliseconds) allows. Gives the hashes of what KV did not take. */
export async function offerContents(env: Env, contents: readonly Content[], patience: number): Promise<string[]> {
  const waiting = new Set(contents.map(({ hash }) => hash));
  const until = Date.now() + patience;
  const work = inLanes(contents, async ({ hash, body }) => {
    // What this request leaves is taken up by another, so a lane that was late must not go on.
    if (Date.now() < until) {
      await env.CONTENT.put(hash, body).then(
        () => waiting.delete(hash),
        () => undefined,
      );
    }
  });
  await atMost(work, patience);
  return [...waiting];
}

/** Takes content out of KV; what is left there by a failure costs space, nothing else. */
export async function withdrawContents(env: Env, hashes: readonly string[]): Promise<void> {
  await inLanes(hashes, (hash) => env.CONTENT.delete(hash).catch(() => undefined));
}

/** The text of content in D1. */
export async function readDatabase(
  env: Env,
  tenant: string,
  hashes: readonly string[],
  take: (hash: string, body: string) => void,
  condition: '' | 'AND dropped IS NULL' = '',
): Promise<void> {
  for (let start = 0; start < hashes.length; start += bulk) {
    const { results } = await env.DB.prepare(
      `SELECT hash, body FROM content WHERE tenant_id = ? AND hash IN (SELECT value FROM json_each(?)) ${condition}`,
    )
      .bind(tenant, JSON.stringify(hashes.slice(start, start + bulk)))
      .all<{ hash: string; body: string }>();
    for (const { hash, body } of results) {
      take(hash, body);
    }
  }
}

async function readKv(env: Env, hashes: string[], take: (hash: string, body: string) => void): Promise<void> {
  if (Date.now() < kvRestsUntil) {
    return;
  }
  const parts = Array.from({ length: Math.ceil(hashes.length / bulk) }, (_, at) =>
    hashes.slice(at * bulk, (at + 1) * bulk),
  );
  const work = inLanes(parts, async (part) => {
    // What KV does not give, D1 has.
    const bodies = await env.CONTENT.get(part, 'text').catch(() => new Map<string, string | null>());
    for (const [hash, body] of bodies) {
      if (body !== null) {
        take(hash, body);
      }
    }
  });
  if (!(await atMost(work, kvPatience * Math.ceil(parts.length / lanes)))) {
    kvRestsUntil = Date.now() + kvRest;
  }
}

function remember(hash: string, entry: Entry): void {
  size += entry.size - (memory.get(hash)?.size ?? 0);
  memory.delete(hash);
  memory.set(hash, entry);
  for (const [oldest, gone] of memory) {
    if (size <= capacity || oldest === hash) {
      break;
    }
    memory.delete(oldest);
    size -= gone.size;
  }
}

async function inLanes<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      await run(items[next++]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
}

/** Whether the work ended in time. */
async function atMost(work: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function unavailable(cause: unknown): ApiError {
  return new ApiError('unavailable', 'A part of the configuration cannot be loaded at the moment', {
    cause,
    headers: { 'Retry-After': '2' },
  });
}
