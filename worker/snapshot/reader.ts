import type { FeedEntry, Head } from '../core/ports.ts';
import type {
  ActionRecord,
  ConfigRecord,
  ConnectionRecord,
  EventRecord,
  HostRecord,
  KeyRecord,
  OperationRecord,
  RateRecord,
  RouteRecord,
  SchemaRecord,
  TenantRecord,
} from '../core/records.ts';
import type { Match, Snapshot } from '../core/snapshot.ts';
import type { Env } from '../env.ts';
import { Firewall, originOf } from '../lib/firewall.ts';
import { createRouter, type Router } from '../lib/router.ts';
import type { Soon } from '../lib/soon.ts';
import { loadContents, loaderOf, rowOf } from './content.ts';
import { emptyManifest, type Manifest, shapeOf } from './manifest.ts';
import { type Branch, leafOf, leavesOf, loadBranches } from './tree.ts';

/** What an isolate knows of a tenant's configuration: plain data, replaced or patched in one synchronous step. */
interface State {
  head: Head;
  manifest: Manifest;
  /** The branches of the kinds that calls look rows up in, so that a row is one read away. */
  branches: ReadonlyMap<string, Branch>;
  /** The leaves of the manifest's routes, which are what is in the router. */
  routes: ReadonlyMap<string, readonly RouteRecord[]>;
  router: Router<RouteRecord>;
  rates: RateRecord[];
  keys: KeyRecord[];
  config: Map<string, ConfigRecord>;
  /** `kind:id` → tokens issued before this second are dead, until the entry may be forgotten. */
  revoked: Map<string, { before: number; until: number }>;
  firewall: Firewall;
  epoch: number;
  snapshot: Snapshot;
}

const states = new Map<string, State>();

/** Kinds in which calls look rows up one by one. */
const lazyKinds = ['operation', 'action', 'schema', 'connection', 'event', 'pin', 'host', 'tenant'];
/** Kinds that an isolate has whole. */
const eagerKinds = ['rate', 'config', 'key'];

/** The snapshot that this isolate has, however old; undefined when it is cold. */
export function currentState(tenant: string): { head: Head; snapshot: Snapshot } | undefined {
  return states.get(tenant);
}

/** The same snapshot, marked as not confirmed lately. */
export function staleSnapshot(snapshot: Snapshot): Snapshot {
  return Object.create(snapshot, { stale: { value: true } });
}

/**
 * Takes a head over: loads what differs from what the isolate has, then swaps it whole. A head that is not newer only
 * refreshes the time of the last check. Never goes to a lower revision.
 */
export async function adoptHead(env: Env, tenant: string, told: Head): Promise<Snapshot> {
  // The publisher's clock may be ahead of ours: nothing is younger than its arrival.
  const head = { ...told, asOf: Math.min(told.asOf, Date.now()) };
  await othersLoad(tenant, head.revision);
  const known = states.get(tenant);
  if (known !== undefined && head.revision <= known.head.revision) {
    if (head.asOf > known.head.asOf) {
      known.head = { ...known.head, asOf: head.asOf };
    }
    takeFeed(known, head);
    return known.snapshot;
  }
  const ours = { revision: head.revision, since: Date.now() };
  loading.set(tenant, ours);
  const loaded = await load(env, tenant, head).finally(() => {
    if (loading.get(tenant) === ours) {
      loading.delete(tenant);
    }
  });
  // Another request may have been faster: the difference is computed against what is here now, without a pause from here on.
  const state = states.get(tenant) ?? emptyState(head);
  if (state.head.revision < head.revision) {
    patchRoutes(state.router, state.routes, loaded.routes);
    Object.assign(state, loaded);
    state.head = { ...head };
    state.snapshot = makeSnapshot(env, tenant, state);
  }
  takeFeed(state, head);
  states.set(tenant, state);
  return state.snapshot;
}

/** The newest revision that a request of this isolate is loading, and since when: promises do not cross requests. */
const loading = new Map<string, { revision: number; since: number }>();

/** Milliseconds after which a load is thought to have died with its request, and another makes it. */
const loadPatience = 1_000;

/** Waits while another request loads a revision or a newer one: a hundred writers that shared a publish load it once. */
async function othersLoad(tenant: string, revision: number): Promise<void> {
  for (let pause = 4; (states.get(tenant)?.head.revision ?? 0) < revision; pause = Math.min(2 * pause, 32)) {
    const load = loading.get(tenant);
    if (load === undefined || load.revision < revision || Date.now() - load.since > loadPatience) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** What a head needs beyond what the isolate has: a change costs the parts that differ, in three rounds of bulk reads. */
async function load(env: Env, tenant: string, head: Head) {
  const known = states.get(tenant);
  const read = loaderOf(env, tenant, { pass: true });
  const manifest = (await read<Manifest>([head.manifest])).get(head.manifest)!;
  const trees = await Promise.all(
    ['route', ...eagerKinds, ...lazyKinds].map((kind) =>
      loadBranches(manifest.kinds[kind], known?.branches ?? new Map(), read),
    ),
  );
  const branches = new Map(trees.flatMap((tree) => [...tree]));
  const leaves = (kind: string) => leavesOf(manifest.kinds[kind], branches);
  const placed = leaves('route');
  const [eager, fresh] = await Promise.all([
    loadContents<any[]>(env, tenant, eagerKinds.flatMap(leaves)),
    read<RouteRecord[]>(placed.filter((hash) => known?.routes.has(hash) !== true)),
  ]);
  const rows = <T>(kind: string): T[] => leaves(kind).flatMap((hash) => eager.get(hash)!) as T[];
  return {
    manifest,
    branches,
    routes: new Map(placed.map((hash) => [hash, known?.routes.get(hash) ?? fresh.get(hash)!])),
    rates: rows<RateRecord>('rate')
      .filter((rate) => rate.status === 1)
      .sort((a, b) => b.priority - a.priority || a.id - b.id),
    keys: rows<KeyRecord>('key'),
    config: new Map(rows<ConfigRecord>('config').map((row) => [row.name, row])),
  };
}

/** Routes of leaves that stay are not touched. Cost follows the change, not the number of routes. */
function patchRoutes(router: Router<RouteRecord>, from: State['routes'], to: State['routes']): void {
  for (const [hash, routes] of from) {
    for (const route of to.has(hash) ? [] : routes) {
      router.remove(route.method, route.path, route);
    }
  }
  for (const [hash, routes] of to) {
    for (const route of from.has(hash) ? [] : routes) {
      router.add(route.method, route.path, route);
    }
  }
}

function emptyState(head: Head): State {
  return {
    head: { ...head, revision: -1 },
    manifest: emptyManifest,
    branches: new Map(),
    routes: new Map(),
    router: createRouter<RouteRecord>(),
    rates: [],
    keys: [],
    config: new Map(),
    revoked: new Map(),
    firewall: new Firewall(),
    epoch: 0,
    snapshot: undefined as unknown as Snapshot,
  };
}

/**
 * Entries about tokens only ever kill: taking one twice or late changes nothing. Those about rules count in their order. Those
 * past their time are forgotten.
 */
function takeFeed(state: State, head: Head): void {
  const { entries, from, epoch } = head.feed;
  for (const { epoch, kind, id, before, until, rule } of entries) {
    if (kind === 'rule') {
      // A shared answer may repeat what a newer entry has changed since.
      if (epoch > state.epoch) {
        rule ? state.firewall.set(id, { ...rule, until }) : state.firewall.delete(id);
      }
    } else if (before > 0) {
      const key = revocationKey(kind, id);
      const known = state.revoked.get(key);
      state.revoked.set(key, {
        before: Math.max(before, known?.before ?? 0),
        until: Math.max(until, known?.until ?? 0),
      });
    }
  }
  if (from <= state.epoch) {
    state.epoch = Math.max(state.epoch, epoch);
  }
  if (entries.length > 0) {
    const now = Math.floor(Date.now() / 1000);
    for (const [key, { until }] of state.revoked) {
      if (until < now) {
        state.revoked.delete(key);
      }
    }
    state.firewall.sweep(now);
  }
}

/** The epoch up to which this isolate has the whole feed. */
export function knownEpoch(tenant: string): number {
  return states.get(tenant)?.epoch ?? 0;
}

function revocationKey(kind: FeedEntry['kind'], id: string): string {
  return `${kind}:${id}`;
}

function makeSnapshot(env: Env, tenant: string, state: State): Snapshot {
  const { manifest, branches, rates, keys, config } = state;
  const { revision } = state.head;
  const rowAt = <T>(
    kind: string,
    key: string | number,
    find: (rows: readonly T[]) => T | undefined,
  ): Soon<T | undefined> => {
    const hash = leafOf(manifest.kinds[kind], branches, shapeOf(kind), key);
    return hash === undefined ? undefined : rowOf(env, tenant, hash, key, find);
  };
  const everyRow = async <T>(kind: string): Promise<T[]> => {
    const contents = await loadContents<T[]>(env, tenant, leavesOf(manifest.kinds[kind], branches));
    return [...contents.values()].flat();
  };
  const named = <T extends { name: string }>(kind: string, name: string) =>
    rowAt<T>(kind, name, (rows) => rows.find((row) => row.name === name));
  const referenced = <T extends { id: number; name: string; status: number }>(
    kind: 'action' | 'schema',
    reference: string,
  ) => (reference.includes('@') ? named<T>('pin', `${kind}/${reference}`) : named<T>(kind, reference));
  return {
    tenant,
    revision,
    stale: false,
    match(method, segments): Match {
      const match = state.router.match(method, segments);
      // The router is the newest revision's: what it finds is to be looked up there.
      const { snapshot } = state;
      return match.found ? { found: true, operationId: match.value.id, params: match.params, snapshot } : match;
    },
    operation: (id) => rowAt<OperationRecord>('operation', id, (rows) => rows.find((row) => row.id === id)),
    action: (reference) => referenced<ActionRecord>('action', reference),
    schema: (reference) => referenced<SchemaRecord>('schema', reference),
    async connection(name) {
      const found = await named<ConnectionRecord>('connection', name);
      return found === undefined && /^[0-9]+$/.test(name)
        ? (await everyRow<ConnectionRecord>('connection')).find((row) => row.id === Number(name))
        : found;
    },
    event: (name) => named<EventRecord>('event', name),
    host: (name) => named<HostRecord>('host', name),
    tenantNamed: (name) => named<TenantRecord>('tenant', name),
    rates,
    keys,
    config: (name) => config.get(name)?.value,
    revoked({ jti, family, userId, appId, issued }) {
      const dead = (kind: FeedEntry['kind'], id: string) =>
        issued < (state.revoked.get(revocationKey(kind, id))?.before ?? 0);
      return (
        state.revoked.size > 0 &&
        (dead('token', jti) ||
          (family !== null && dead('family', family)) ||
          dead('user', String(userId)) ||
          (appId !== null && dead('app', String(appId))))
      );
    },
    // Reading `cf` parses it anew each time: 2 % of a whole call, so not where there is no rule.
    banned: (address, request) =>
      !state.firewall.empty && state.firewall.denies(address, originOf(request?.cf), Date.now() / 1000),
  };
}
