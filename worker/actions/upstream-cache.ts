import type { HttpClient } from '../connections/http.ts';
import { collect } from '../lib/collect.ts';
import { sha256 } from '../lib/hash.ts';
import type { ActionContext } from './define.ts';
import type { UpstreamCall } from './upstream-call.ts';

/** Largest answer that is kept, bytes: it is read to its end first, for one that breaks off would be kept as if it were whole. */
const largest = 2 * 1024 * 1024;
/** How long the cache is waited for, milliseconds. */
const cachePatience = 500;
/** Request headers that are part of the key: an answer may vary by these and no others. */
const keyed = ['accept', 'accept-language', 'authorization'];
/** The origin's own directives, while the kept copy carries ours. */
const originalHeader = 'x-postern-cache-control';

/**
 * Answers a GET of a connection with `cache` from the data centre's cache, else sends it and keeps the answer as long as
 * its caching headers allow (RFC 9111). Kept apart for each caller and credentials, so that nobody sees what was made for
 * somebody else; only with explicit freshness, never with `no-store`, `Set-Cookie` or an unusual `Vary`.
 */
export async function throughCache(
  client: HttpClient,
  call: UpstreamCall,
  context: ActionContext,
  send: () => Promise<Response>,
): Promise<Response> {
  const cache = client.cache && typeof caches !== 'undefined' ? caches.default : undefined;
  if (cache === undefined || call.method !== 'GET' || unshareable(call.headers)) {
    return send();
  }
  const key = cacheKey(call, context);
  const kept = await lookUp(cache, key);
  if (kept !== undefined) {
    return restored(kept);
  }
  // A body that comes apart in two can no longer be unpacked and packed again by the platform.
  call.headers.set('accept-encoding', 'identity');
  const response = await send();
  const freshness = secondsFresh(response, context.now());
  const length = Number(response.headers.get('content-length') ?? 0);
  if (freshness === 0 || response.body === null || length > largest) {
    return response;
  }
  const [now, later] = response.body.tee();
  context.defer(keep(cache, key, response, later, freshness));
  return new Response(now, response);
}

/** What breaks off or grows too large is not kept; the caller's half goes on as it is. */
async function keep(cache: Cache, key: Request, response: Response, body: ReadableStream, freshness: number) {
  const bytes = await collect(body, largest).catch(() => null);
  if (bytes !== null) {
    await cache.put(key, stored(response, bytes, freshness));
  }
}

/** A cache that does not answer at once is as good as empty. */
async function lookUp(cache: Cache, key: Request): Promise<Response | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, cachePatience);
  try {
    return await Promise.race([cache.match(key), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Parts of a whole, WebSockets, and what the caller wants fresh. */
function unshareable(headers: Headers): boolean {
  return (
    headers.has('range') ||
    headers.has('upgrade') ||
    /\bno-(?:cache|store)\b|\bmax-age=0\b/i.test(headers.get('cache-control') ?? '')
  );
}

/** A name that no server has; the caller's conditions stay, so that the cache can answer 304. */
function cacheKey(call: UpstreamCall, { tenant, caller }: ActionContext): Request {
  const parts = [tenant, call.url.href, caller.userId, caller.appId, ...keyed.map((name) => call.headers.get(name))];
  const headers = new Headers();
  for (const name of ['if-none-match', 'if-modified-since']) {
    const value = call.headers.get(name);
    if (value !== null) {
      headers.set(name, value);
    }
  }
  return new Request(`https://upstream.invalid/${sha256(JSON.stringify(parts))}`, { headers });
}

/** Seconds that an answer may be kept; 0: not at all. */
function secondsFresh(response: Response, now: number): number {
  const { headers, status } = response;
  const directives = headers.get('cache-control') ?? '';
  const varies = (headers.get('vary') ?? '').split(',').map((name) => name.trim().toLowerCase());
  if (
    ![200, 203, 301, 308, 404, 410].includes(status) ||
    /\bno-(?:store|cache)\b/i.test(directives) ||
    headers.has('set-cookie') ||
    headers.has('content-encoding') ||
    !varies.every((name) => name === '' || name === 'accept-encoding' || name === 'origin' || keyed.includes(name))
  ) {
    return 0;
  }
  const maxAge = /\bmax-age="?(\d+)/i.exec(directives)?.[1];
  if (maxAge !== undefined) {
    return Math.max(0, Number(maxAge) - Number(headers.get('age') ?? 0));
  }
  const expires = Date.parse(headers.get('expires') ?? '');
  return Number.isNaN(expires) ? 0 : Math.max(0, Math.floor((expires - now) / 1000));
}

/** The cache reads one directive; what the origin said is for our caller and put back by `restored`. */
function stored(response: Response, body: Uint8Array, freshness: number): Response {
  const headers = new Headers(response.headers);
  const directives = headers.get('cache-control');
  if (directives !== null) {
    headers.set(originalHeader, directives);
  }
  headers.set('cache-control', `max-age=${freshness}`);
  headers.delete('age');
  return new Response(body, { status: response.status, headers });
}

function restored(kept: Response): Response {
  const headers = new Headers(kept.headers);
  const directives = headers.get(originalHeader);
  headers.delete('cache-control');
  if (directives !== null) {
    headers.set('cache-control', directives);
  }
  headers.delete(originalHeader);
  return new Response(kept.body, { status: kept.status, headers });
}
