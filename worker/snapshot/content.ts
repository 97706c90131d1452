import type { Env } from '../env.ts';

/**
 * Immutable content by hash, sought in isolate memory, KV (which the data centre caches) and D1, in this order. What a
 * store gives is trusted by its hash alone, so a stale or missing copy can never be a wrong one.
 */

interface Entry {
  body: string;
  value?: unknown;
}

/** Bytes of text that an isolate keeps (a heap of 128 MB holds the parsed values as well). */
const capacity = 24_000_000;
const memory = new Map<string, Entry>();
let size = 0;

/** KV's bulk read takes 100 keys. */
const bulk = 100;

/** Parsed content by hash; the same object for the same hash while it is remembered. Throws when some of it is nowhere to be had. */
export async function loadContents<T>(env: Env, tenant: string, hashes: readonly string[]): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  const missing = new Set<string>();
  for (const hash of hashes) {
    const entry = memory.get(hash);
    if (entry === undefined) {
      missing.add(hash);
    } else {
      found.set(hash, parsed<T>(hash, entry));
    }
  }
  if (missing.size > 0) {
    await readKv(env, [...missing], (hash, body) => {
      missing.delete(hash);
      found.set(hash, remember<T>(hash, body));
    });
  }
  if (missing.size > 0) {
    await readDatabase(env, tenant, [...missing], (hash, body) => {
      missing.delete(hash);
      found.set(hash, remember<T>(hash, body));
    });
  }
  if (missing.size > 0) {
    throw new Error(`Configuration content is missing: ${[...missing].slice(0, 3).join(', ')}`);
  }
  return found;
}

/** Parsed content that this isolate has in memory, without asking anybody. */
export function peekContent<T>(hash: string): T | undefined {
  const entry = memory.get(hash);
  return entry === undefined ? undefined : parsed<T>(hash, entry);
}

/** Offers content to KV; failures only cost later reads of D1. */
export async function offerContents(env: Env, contents: readonly { hash: string; body: string }[]): Promise<void> {
  const lanes = 6;
  let next = 0;
  const lane = async () => {
    for (let item = contents[next++]; item !== undefined; item = contents[next++]) {
      await env.CONTENT.put(item.hash, item.body);
    }
  };
  await Promise.allSettled(Array.from({ length: lanes }, lane));
}

async function readKv(env: Env, hashes: string[], take: (hash: string, body: string) => void): Promise<void> {
  try {
    for (let start = 0; start < hashes.length; start += bulk) {
      const bodies = await env.CONTENT.get(hashes.slice(start, start + bulk), 'text');
      for (const [hash, body] of bodies) {
        if (body !== null) {
          take(hash, body);
        }
      }
    }
  } catch {
    // What KV does not give, D1 has.
  }
}

async function readDatabase(
  env: Env,
  tenant: string,
  hashes: string[],
  take: (hash: string, body: string) => void,
): Promise<void> {
  const { results } = await env.DB.prepare(
    'SELECT hash, body FROM content WHERE tenant_id = ? AND hash IN (SELECT value FROM json_each(?))',
  )
    .bind(tenant, JSON.stringify(hashes))
    .all<{ hash: string; body: string }>();
  for (const { hash, body } of results) {
    take(hash, body);
  }
}

function remember<T>(hash: string, body: string): T {
  const entry: Entry = { body };
  memory.set(hash, entry);
  size += body.length;
  for (const [oldest, { body: gone }] of memory) {
    if (size <= capacity || oldest === hash) {
      break;
    }
    memory.delete(oldest);
    size -= gone.length;
  }
  return parsed<T>(hash, entry);
}

/** Parsed once; the text is dropped then, its length stays the measure. Touching moves an entry to the young end. */
function parsed<T>(hash: string, entry: Entry): T {
  memory.delete(hash);
  memory.set(hash, entry);
  entry.value ??= JSON.parse(entry.body);
  return entry.value as T;
}
