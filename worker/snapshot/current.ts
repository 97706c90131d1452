import { configuredUrl } from '../core/base-url.ts';
import { ApiError } from '../core/errors.ts';
import type { CommitResult, Head, Outcome, Publishing } from '../core/ports.ts';
import { publisherOf } from '../core/publisher-of.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { tenantKey, tenantName } from '../core/tenant.ts';
import type { Env } from '../env.ts';
import type { Soon } from '../lib/soon.ts';
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

/** When the last check behind an answer began, per tenant: one a second is enough, also where they fail. */
const begun = new Map<string, number>();

/** Longest wait of a writer for a publisher that lives, milliseconds, and for each of its changes. It has time limits of its own. */
const publishPatience = 30_000;
const rollbackPatience = 90_000;
const changePatience = 10;
/** After so long a wait the publisher is asked for a sign of life, which it has to give in time: a busy one is waited for further. */
const doubt = 5_000;
const signPatience = 2_500;

/** The snapshot to serve a request from, at once where it is good enough. Throws ApiError `unavailable` when a cold isolate can load none. */
export function currentSnapshot(options: CurrentOptions): Soon<Snapshot> {
  const { tenant, now, least = 0 } = options;
  const known = currentState(tenant);
  if (known === undefined) {
    return cold(options);
  }
  const age = now - known.head.asOf;
  if (least > known.head.revision) {
    return newerThan(options);
  }
  if (age <= fresh) {
    return known.snapshot;
  }
  if (age <= serveable) {
    checkBehind(options);
    return known.snapshot;
  }
  if (now - (failures.get(tenant) ?? 0) < serveable) {
    checkBehind(options);
    return staleSnapshot(known.snapshot);
  }
  return checked(options, known.snapshot);
}

/** Who has seen a revision that this isolate has not gets it by a check of its own. */
async function newerThan({ env, tenant, report }: CurrentOptions): Promise<Snapshot> {
  await check(env, tenant, false, patience * 10).catch((thrown) => report('snapshot.check', thrown));
  return currentState(tenant)!.snapshot;
}

/** After a check that may take so long, else the last known good. */
async function checked(options: CurrentOptions, known: Snapshot): Promise<Snapshot> {
  const { env, tenant } = options;
  try {
    return await check(env, tenant, true, patience);
  } catch (thrown) {
    failures.set(tenant, Date.now());
    options.report('snapshot.check', thrown);
    return staleSnapshot(known);
  }
}

/**
 * Where a tenant is at home, for work that no request names a host of: the configured URL, or the first of its hosts; empty when
 * there is none, or nobody can tell.
 */
export async function homeOf(options: Omit<CurrentOptions, 'now'> & { now(): number }): Promise<string> {
  const { env, tenant } = options;
  const configured = configuredUrl(env, tenant);
  if (configured !== null || tenant === '') {
    return configured ?? '';
  }
  const named = async () =>
    (await currentSnapshot({ ...options, tenant: '', now: options.now() })).tenantNamed(tenantName(tenant));
  const found = await named().catch(() => undefined);
  return found === undefined || tenantKey(found) !== tenant || found.hosts.length === 0
    ? ''
    : `https://${found.hosts[0]}`;
}

function checkBehind({ env, tenant, now, defer, report }: CurrentOptions): void {
  if (now - (begun.get(tenant) ?? 0) < fresh) {
    return;
  }
  begun.set(tenant, now);
  const work = check(env, tenant, true, coldPatience).then(
    () => void begun.delete(tenant),
    (thrown) => {
      failures.set(tenant, Date.now());
      report('snapshot.check', thrown);
    },
  );
  defer(work);
}

async function cold(options: CurrentOptions): Promise<Snapshot> {
  const { env, tenant, least = 0 } = options;
  try {
    // What another isolate heard may be older than what this caller has seen.
    return await check(env, tenant, least === 0, coldPatience);
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
    const head = shared ? await sharedHead(tenant, since) : undefined;
    if (head !== undefined) {
      try {
        return await adoptHead(env, tenant, head);
      } catch {
        // What a shared head names may have been replaced already, and its content be on its way out: the newest has to be there.
      }
    }
    return adoptHead(env, tenant, await askPublisher(env, tenant, since));
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

async function within<T>(
  work: Promise<T>,
  milliseconds: number,
  error: () => Error = () => new Error(`No answer within ${milliseconds} ms`),
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(error()), milliseconds);
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
  /** What is stored is stored: an isolate that cannot load it now does so at its next check. */
  const serve = (tenant: string, head: Head) => adoptHead(env, tenant, head).catch(() => undefined);
  const asked = <T>(work: Promise<T>, tenant: string, patience: number, changes = 0): Promise<T> =>
    whileAlive(work, () => publisherOf(env, tenant).head(tenant, Number.MAX_SAFE_INTEGER), {
      doubt,
      sign: signPatience + changes * changePatience,
      patience: patience + changes * changePatience,
    }).catch(interrupted);
  const served = async (outcome: Outcome<CommitResult>, tenant: string) => {
    if (!outcome.ok) {
      throw ApiError.fromPlain(outcome.error);
    }
    await serve(tenant, outcome.value.head);
    return outcome.value;
  };
  return {
    async commit(request) {
      const { tenant, changes } = request;
      const work = publisherOf(env, tenant).commit(request);
      return served(await asked(work, tenant, publishPatience, changes.length), tenant);
    },
    async rollback(tenant, to, actor, plan) {
      const work = publisherOf(env, tenant).rollback(tenant, to, actor, plan);
      return served(await asked(work, tenant, rollbackPatience), tenant);
    },
    async revoke(tenant, entries) {
      await serve(tenant, await asked(publisherOf(env, tenant).revoke(tenant, entries), tenant, publishPatience));
    },
    async firewall(tenant) {
      await serve(tenant, await asked(publisherOf(env, tenant).firewall(tenant), tenant, publishPatience));
    },
  };
}

/** Times in milliseconds: when a sign of life is first asked for, how long that may take, and how long the work may. */
export interface Patience {
  doubt: number;
  sign: number;
  patience: number;
}

/** Waits for work as long as whoever does it gives signs of life when asked. Throws ApiError `unavailable` when it is given up. */
export async function whileAlive<T>(work: Promise<T>, signOfLife: () => Promise<unknown>, times: Patience): Promise<T> {
  const until = Date.now() + times.patience;
  const settled = work.then(
    () => true,
    () => true,
  );
  for (;;) {
    const wait = Math.min(times.doubt, until - Date.now());
    if (await within(settled, wait).catch(() => false)) {
      return work;
    }
    if (Date.now() >= until) {
      throw late();
    }
    await within(Promise.race([settled, signOfLife()]), times.sign, late);
  }
}

/** The object answers with outcomes: what is thrown says that it, or the way to it, broke off. */
function interrupted(cause: unknown): never {
  throw cause instanceof ApiError
    ? cause
    : new ApiError('unavailable', 'The publisher broke off; the change may have been made', {
        cause,
        headers: { 'Retry-After': '1' },
      });
}

function late(): ApiError {
  return new ApiError('unavailable', 'The publisher did not answer in time; the change may have been made', {
    headers: { 'Retry-After': '5' },
  });
}

/** What cron asks of the publisher of every tenant. */
export async function sweepPublisher(env: Env, tenant: string): Promise<void> {
  await publisherOf(env, tenant).sweep(tenant);
}
