import { ApiError } from '../core/errors.ts';
import type { Head, Publishing } from '../core/ports.ts';
import { publisherOf } from '../core/publisher-of.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Env } from '../env.ts';
import { adoptHead, currentState, knownEpoch, staleSnapshot } from './reader.ts';

// Age of the last check, counted from when the publisher answered it, in milliseconds.
/** Served as it is. */
const fresh = 1_000;
/** Served, and checked in the background; with the second that a shared check may be old, nothing older than 5 s is served. */
const serveable = 4_000;
/** Longest wait for a check before the last known good is served. */
const patience = 100;
/** A cold isolate has nothing to serve: it waits longer. */
const coldPatience = 5_000;

export interface CurrentOptions {
  env: Env;
  tenant: string;
  now: number;
  defer(work: Promise<unknown>): void;
  /** A fault that the request survived. */
  report(place: string, thrown: unknown): void;
  /** The least revision that the caller accepts (read your writes). */
  least?: number;
}

/** When the last failed check was, per tenant, so that an unreachable publisher is not waited for by every request. */
const failures = new Map<string, number>();

/** The snapshot to serve a request from. Throws ApiError `unavailable` when a cold isolate can load none. */
export async function currentSnapshot(options: CurrentOptions): Promise<Snapshot> {
  const { env, tenant, now, least = 0 } = options;
  const known = currentState(tenant);
  if (known === undefined) {
    return cold(options);
  }
  const age = now - known.head.asOf;
  if (least > known.head.revision) {
    await check(env, tenant, false, patience * 10).catch((thrown) => options.report('snapshot.check', thrown));
    return currentState(tenant)!.snapshot;
  }
  if (age <= fresh) {
    return known.snapshot;
  }
  if (age <= serveable) {
    options.defer(check(env, tenant, true, coldPatience).catch((thrown) => options.report('snapshot.check', thrown)));
    return known.snapshot;
  }
  const failed = now - (failures.get(tenant) ?? 0) < fresh;
  try {
    if (failed) {
      options.defer(check(env, tenant, true, coldPatience).catch(() => failures.set(tenant, Date.now())));
      return staleSnapshot(known.snapshot);
    }
    return await check(env, tenant, true, patience);
  } catch (thrown) {
    failures.set(tenant, Date.now());
    options.report('snapshot.check', thrown);
    return staleSnapshot(known.snapshot);
  }
}

async function cold(options: CurrentOptions): Promise<Snapshot> {
  const { env, tenant } = options;
  try {
    return await check(env, tenant, true, coldPatience);
  } catch (thrown) {
    options.report('snapshot.load', thrown);
    throw new ApiError('unavailable', 'The configuration cannot be loaded at the moment', {
      cause: thrown,
      headers: { 'Retry-After': '2' },
    });
  }
}

async function check(env: Env, tenant: string, shared: boolean, patience: number): Promise<Snapshot> {
  const work = (async () => {
    const since = knownEpoch(tenant);
    const head = (shared ? await sharedHead(tenant, since) : undefined) ?? (await askPublisher(env, tenant, since));
    return adoptHead(env, tenant, head);
  })();
  return within(work, patience);
}

async function askPublisher(env: Env, tenant: string, since: number): Promise<Head> {
  // The feed is complete from 0 for whoever shares the answer, unless it is very long.
  const head = await publisherOf(env, tenant).head(tenant, since);
  await caches.default
    .put(cacheKey(tenant), new Response(JSON.stringify(head), { headers: { 'Cache-Control': 'max-age=1' } }))
    .catch(() => undefined);
  return head;
}

/** The check of another isolate in this data centre, at most a second old and only if its feed goes on where ours ends. */
async function sharedHead(tenant: string, since: number): Promise<Head | undefined> {
  const cached = await caches.default.match(cacheKey(tenant)).catch(() => undefined);
  const head = cached === undefined ? undefined : ((await cached.json()) as Head);
  const known = currentState(tenant);
  const usable =
    head !== undefined &&
    head.feed.from <= since &&
    Date.now() - head.asOf <= fresh &&
    head.asOf > (known?.head.asOf ?? 0);
  return usable ? head : undefined;
}

function cacheKey(tenant: string): string {
  return `https://head.postern.internal/${encodeURIComponent(tenant)}`;
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** The port through which rooms publish: afterwards this isolate serves what it wrote. */
export function createPublishing(env: Env): Publishing {
  return {
    async commit(request) {
      const outcome = await publisherOf(env, request.tenant).commit(request);
      if (!outcome.ok) {
        throw ApiError.fromPlain(outcome.error);
      }
      await adoptHead(env, request.tenant, outcome.value.head);
      return outcome.value;
    },
    async rollback(tenant, to, actor, plan) {
      const outcome = await publisherOf(env, tenant).rollback(tenant, to, actor, plan);
      if (!outcome.ok) {
        throw ApiError.fromPlain(outcome.error);
      }
      await adoptHead(env, tenant, outcome.value.head);
      return outcome.value;
    },
    async revoke(tenant, entries) {
      await adoptHead(env, tenant, await publisherOf(env, tenant).revoke(tenant, entries));
    },
  };
}

/** What cron asks of the publisher of every tenant. */
export async function sweepPublisher(env: Env, tenant: string): Promise<void> {
  await publisherOf(env, tenant).sweep(tenant);
}
