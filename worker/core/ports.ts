import type { BackoffPolicy } from '../lib/backoff.ts';
import type { FirewallRule, Origin } from '../lib/firewall.ts';
import type { WindowAnswer, WindowQuestion } from '../lib/window.ts';
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
  /** 0: the platform itself. */
  userId: number;
  appId: number | null;
  ip: string;
  /** Scopes of the token that the change is made with; absent: all that the user has. */
  scopes?: readonly string[];
  /** Where the call came from, as the platform tells it. */
  origin?: Origin;
}

/** One wanted change of a versioned resource, in API terms. */
export interface Change {
  /** Resource name: `operation`, `action`, … */
  resource: string;
  verb: 'create' | 'update' | 'delete' | 'put' | 'restore';
  /** Id, or `~name`; `put` updates what has the name in `data` or creates it; `restore` takes an id and undoes a deletion. */
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
  kind: 'token' | 'family' | 'user' | 'app' | 'rule';
  /** jti, family id, user id, app id, or id of a firewall rule. */
  id: string;
  /** Tokens issued before this moment (seconds since the epoch) are dead; 0: only a cached profile is to be forgotten. */
  before: number;
  /** The entry may be dropped after this moment, seconds since the epoch. */
  until: number;
  /** Of a rule: what it says, as lib/firewall.ts reads it; null once it was lifted. */
  rule?: { type: 'allow' | 'deny'; target: string } | null;
}

/** A firewall rule that holds, by the id of its row. */
export interface RuleEntry extends FirewallRule {
  id: string;
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
  /** Reads the firewall's rules anew and tells the feed what changed. Throws without the database. */
  firewall(tenant: string): Promise<Head>;
  /** Repairs a missed move of the pointer and collects what nothing references. Run by cron. */
  sweep(tenant: string): Promise<void>;
  /** The tenant was removed: nothing is told or published any more. */
  retire(): Promise<void>;
}

/** What a request asks of the room that publishes. */
export interface Publishing {
  /** Throws ApiError. Afterwards this isolate serves the new revision. */
  commit(request: CommitRequest): Promise<CommitResult>;
  rollback(tenant: string, to: number, actor: Actor, plan?: boolean): Promise<CommitResult>;
  /** Makes tokens dead everywhere (within five seconds; in this isolate at once). */
  revoke(tenant: string, entries: Omit<FeedEntry, 'epoch'>[]): Promise<void>;
  /** Makes the rules of the firewall, as the database has them, hold everywhere (within five seconds; in this isolate at once). */
  firewall(tenant: string): Promise<void>;
}

/** A question to one window of a Limiter object; a sharded object holds the windows of many callers. */
export interface LeaseRequest extends WindowQuestion {
  /** Whose window, within the object. */
  key: string;
}

export type LeaseGrant = WindowAnswer;

/** What a Limiter object did since it woke up; calls, but for `callers`, `asked` and `writes`. */
export interface LimiterReport {
  /** Windows in memory. */
  callers: number;
  asked: number;
  admitted: number;
  refused: number;
  /** Leased calls that came back unused. */
  returned: number;
  /** Calls that a former life of the object had persisted as used; at most so many were never handed out. */
  forfeited: number;
  /** Writes to storage. */
  writes: number;
}

/** RPC surface of the Limiter object (one per tenant, rate and caller; anonymous callers share 64 per rate). */
export interface LimiterRpc {
  take(request: LeaseRequest): Promise<LeaseGrant>;
  /** Counts an attempt as failed before it is made, so that neither a crash nor parallel attempts gain a guess. */
  attempt(policy: AttemptPolicy): Promise<AttemptVerdict>;
  /** Takes the last attempt back because it succeeded; `all`: every failure before it as well. */
  succeed(forget: 'one' | 'all'): Promise<void>;
  report(): Promise<LimiterReport>;
}

/** An access token by what is remembered of it. */
export interface AccessMark {
  jti: string;
  /** Seconds since the epoch, both. */
  issued: number;
  expires: number;
}

/** Whose tokens a family holds. */
export interface FamilyOwner {
  userId: number;
  appId: number | null;
  /** What the user agreed to at the start; a refreshed token has at most these. */
  scopes: string[];
}

export interface FamilyStart extends FamilyOwner {
  tenant: string;
  family: string;
  /** Hex SHA-256 of the first refresh token. */
  refreshHash: string;
  /** The first refresh token ends here, seconds since the epoch. */
  expires: number;
  access: AccessMark;
}

/** One use of a refresh token: what is presented, and what is to take its place. */
export interface Renewal {
  presentedHash: string;
  nextHash: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** The next refresh token ends here, seconds since the epoch. */
  expires: number;
  access: AccessMark;
}

export type Rotation =
  /** `replaced` is the access token that the new one stands for from now on. */
  | { outcome: 'rotated'; owner: FamilyOwner; replaced: AccessMark }
  /** Lost the race or came within the grace period: refused, the family lives. */
  | { outcome: 'superseded' }
  /** Replayed later than the grace period, or the family had ended before: it is dead, and so are its access tokens up to `until` (seconds). */
  | { outcome: 'reused'; until: number }
  /** Never issued, forgotten or expired. */
  | { outcome: 'unknown' };

/** RPC surface of the TokenFamily object (one per refresh token family). */
export interface TokenFamilyRpc {
  start(family: FamilyStart): Promise<void>;
  /** Whose family it is and its current access token, without using anything up; null when there is none. */
  look(): Promise<{ owner: FamilyOwner; access: AccessMark } | null>;
  rotate(renewal: Renewal): Promise<Rotation>;
  /** Ends the family: no refresh token of it is good any more. Gives the expiry of its last access token, seconds; 0 without a family. */
  end(): Promise<number>;
}

/** How repeated guesses at one door are slowed down. */
export type AttemptPolicy = BackoffPolicy;

/** Whether an attempt may be made; seconds until the next one may. */
export type AttemptVerdict = { allowed: true } | { allowed: false; retryAfter: number };
