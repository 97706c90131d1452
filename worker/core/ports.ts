import type { PlainError } from './errors.ts';
import type { Observation } from './observation.ts';

// What rooms ask for instead of importing each other; `worker/index.ts` plugs them together.

/** The sink of facts. Steps hand over observations and never log. */
export interface Observer {
  observe(observation: Observation): void;
}

export interface EgressOptions {
  /** Milliseconds until the answer's headers (default 30,000). */
  timeout?: number;
  signal?: AbortSignal;
}

/** Every outbound HTTP call of the product goes through this guard (worker/lib/egress.ts). Redirects are never followed. */
export interface Egress {
  /** Throws ApiError `egress_denied`, `upstream_timeout` or `bad_gateway`. */
  fetch(url: string | URL, init?: RequestInit, options?: EgressOptions): Promise<Response>;
}

/** Who makes a change. */
export interface Actor {
  userId: number;
  appId: number | null;
  ip: string;
}

/** One wanted change of a versioned resource, in API terms. */
export interface Change {
  /** Resource name: `operation`, `action`, … */
  resource: string;
  verb: 'create' | 'update' | 'delete' | 'put';
  /** Id, or `~name`; `put` updates what has the name in `data` or creates it. */
  key?: string;
  data?: Record<string, unknown>;
}

export interface CommitRequest {
  tenant: string;
  changes: Change[];
  actor: Actor;
  /** Shown in the list of revisions. */
  message?: string;
  /** Compute and validate everything, change nothing. */
  plan?: boolean;
}

export interface ChangeResult {
  resource: string;
  verb: 'create' | 'update' | 'delete' | 'none';
  id: number;
  name: string;
  /** Members that change, for plans: member → [before, after]. */
  difference?: Record<string, [unknown, unknown]>;
}

/** The head of a tenant's configuration, and the live feed that travels with it. */
export interface Head {
  revision: number;
  /** Content hash of the manifest. */
  manifest: string;
  /** When the publisher said so, milliseconds since the epoch: staleness is counted from here. */
  asOf: number;
  feed: Feed;
}

/** What was revoked or banned lately. Epochs only grow; `from` is the epoch after which `entries` is complete. */
export interface Feed {
  epoch: number;
  from: number;
  entries: FeedEntry[];
}

export interface FeedEntry {
  epoch: number;
  kind: 'token' | 'family' | 'user' | 'app' | 'ban';
  /** jti, family id, user id, app id or address. */
  id: string;
  /** Tokens issued before this moment (seconds since the epoch) are dead; 0: only a cached profile is to be forgotten. */
  before: number;
  /** The entry may be dropped after this moment, seconds since the epoch. */
  until: number;
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; error: PlainError };

export interface CommitResult {
  head: Head;
  results: ChangeResult[];
}

/** RPC surface of the Publisher object (one per tenant). */
export interface PublisherRpc {
  head(tenant: string, sinceEpoch: number): Promise<Head>;
  commit(request: CommitRequest): Promise<Outcome<CommitResult>>;
  /** Publishes the difference between revision `to` and the current rows as a new revision. */
  rollback(tenant: string, to: number, actor: Actor, plan?: boolean): Promise<Outcome<CommitResult>>;
  revoke(tenant: string, entries: Omit<FeedEntry, 'epoch'>[]): Promise<Head>;
  /** Repairs a missed move of the pointer and collects what nothing references. Run by cron. */
  sweep(tenant: string): Promise<void>;
}

/** What a request asks of the room that publishes. */
export interface Publishing {
  /** Throws ApiError. Afterwards this isolate serves the new revision. */
  commit(request: CommitRequest): Promise<CommitResult>;
  rollback(tenant: string, to: number, actor: Actor, plan?: boolean): Promise<CommitResult>;
  /** Makes tokens dead everywhere (within five seconds; in this isolate at once). */
  revoke(tenant: string, entries: Omit<FeedEntry, 'epoch'>[]): Promise<void>;
}

export interface LeaseRequest {
  /** Whose window, within one object: a sharded object holds the windows of many callers. */
  key: string;
  /** Calls admitted in any window of `timespan`. */
  limit: number;
  /** Seconds. */
  timespan: number;
  /** Calls the asker expects to admit within a lease (`leaseSpan`); 1 for an exact rate. */
  want: number;
  /** True when no call is waiting: a refill, granted only out of plenty. */
  ahead?: boolean;
  /** Leases that the asker is done with. */
  settle?: readonly Settlement[];
}

/** What became of a lease: from here on its holder admits nothing with it. */
export interface Settlement {
  lease: number;
  /** Calls of it that were not used. */
  unused: number;
}

export interface LeaseGrant {
  /** Calls granted, 0 … want. Unless asked `ahead`, the first is the waiting call's, admitted at once; the others are the lease. */
  granted: number;
  /** What the object has left after this grant, calls. */
  remaining: number;
  /** Seconds, counted from before the question was sent, until unused calls of the lease are void; 0 without a lease. */
  expiresIn: number;
  /** Seconds until capacity returns (for `Retry-After` and the reset parameter); after a refusal: until one call fits. */
  resetIn: number;
  /** After a refusal: seconds in which asking again is pointless. */
  askAgainIn: number;
  /** Names the lease when it is settled; 0 without a lease. */
  lease: number;
}

/** What a Limiter object did since it woke up; calls, but for `callers`, `asked` and `writes`. */
export interface LimiterReport {
  /** Windows in memory. */
  callers: number;
  asked: number;
  admitted: number;
  refused: number;
  /** Leased calls that came back unused. */
  returned: number;
  /** Calls lost with a former life of the object: persisted as used, never handed out. */
  forfeited: number;
  /** Writes to storage. */
  writes: number;
}

/** RPC surface of the Limiter object (one per tenant, rate and caller; anonymous callers share 64 per rate). */
export interface LimiterRpc {
  take(request: LeaseRequest): Promise<LeaseGrant>;
  report(): Promise<LimiterReport>;
}

export interface FamilyStart {
  tenant: string;
  family: string;
  userId: number;
  appId: number | null;
  scopes: string[];
  /** Hex SHA-256 of the first refresh token. */
  refreshHash: string;
  /** Refresh tokens of this family end here, seconds since the epoch. */
  expires: number;
}

export type Rotation =
  | { outcome: 'rotated'; userId: number; appId: number | null; scopes: string[] }
  /** Lost the race or came within the grace period: refused, the family lives. */
  | { outcome: 'superseded' }
  /** Replayed later than the grace period: the family is dead now. */
  | { outcome: 'reused' }
  | { outcome: 'unknown' };

/** RPC surface of the TokenFamily object (one per refresh token family). */
export interface TokenFamilyRpc {
  start(family: FamilyStart): Promise<void>;
  rotate(presentedHash: string, nextHash: string, now: number): Promise<Rotation>;
  end(): Promise<void>;
}
