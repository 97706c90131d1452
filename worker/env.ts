import type { LaneRpc, OutboxRpc, WakeUp } from './core/events.ts';
import type { IdempotencyRpc } from './core/idempotency.ts';
import type { LimiterRpc, PublisherRpc, TokenFamilyRpc } from './core/ports.ts';
import { withDeadline } from './lib/d1-deadline.ts';
import { withPatience } from './lib/deadline.ts';

/** A Durable Object namespace, by the part of it that Postern uses. */
export interface ObjectNamespace<Rpc> {
  getByName(name: string): Rpc;
}

/** The bindings of wrangler.toml, and the secrets that `npm start` and `npm run deploy` make. */
export interface Env {
  DB: D1Database;
  LOGS: D1Database;
  DATA: D1Database;
  CONTENT: KVNamespace;
  USAGE?: AnalyticsEngineDataset;
  PUBLISHER: ObjectNamespace<PublisherRpc>;
  LIMITER: ObjectNamespace<LimiterRpc>;
  TOKEN_FAMILY: ObjectNamespace<TokenFamilyRpc>;
  OUTBOX: ObjectNamespace<OutboxRpc>;
  LANE: ObjectNamespace<LaneRpc>;
  IDEMPOTENCY: ObjectNamespace<IdempotencyRpc>;
  EVENTS: Queue<WakeUp>;
  /** Secret: 32 random bytes, base64. Root of every derived key (sealing, pepper, setup token). */
  SECRET_KEY: string;
  /** Secret: retired SECRET_KEYs, comma separated; what they sealed still opens. */
  SECRET_KEY_FORMER?: string;
  EGRESS_ALLOW?: string;
  TRUSTED_IP_HEADER?: string;
  /** The account's number, and a secret token that may read its analytics: with both, statistics may come from Analytics Engine. */
  CLOUDFLARE_ACCOUNT_ID?: string;
  ANALYTICS_TOKEN?: string;
  /** The data set of USAGE, when it is not wrangler.toml's. */
  ANALYTICS_DATASET?: string;
  /** Where the platform's API is, for tests. */
  ANALYTICS_URL?: string;
  /** The public base URL, when it is not the one that requests name. */
  PUBLIC_URL?: string;
}

/** What a caller waits for a database, milliseconds: a management call ends within five seconds, whatever hangs. */
const patience = { statement: 4_000, batch: 4_000 };
/** For an object, which may ask a database itself, and for the content store, which takes backups too. */
const objectPatience = 4_500;
const storePatience = (method: string) => (method === 'put' ? 20_000 : 4_000);

const checked = new WeakMap<Env, Env>();

/**
 * Checks the bindings once per isolate, so that a missing one is named at once and not at its first use, and gives the
 * databases, the content store and the objects that answer at once their time limits. The callers of the others (`LIMITER`,
 * `PUBLISHER`, `IDEMPOTENCY`) know best how long to wait.
 */
export function checkEnv(env: Env): Env {
  const known = checked.get(env);
  if (known !== undefined) {
    return known;
  }
  const required = [
    ...([
      'DB',
      'LOGS',
      'DATA',
      'CONTENT',
      'PUBLISHER',
      'LIMITER',
      'TOKEN_FAMILY',
      'OUTBOX',
      'LANE',
      'IDEMPOTENCY',
      'EVENTS',
    ] as const),
    'SECRET_KEY' as const,
  ];
  const missing = required.filter((name) => env[name] === undefined);
  if (missing.length > 0) {
    throw new Error(`Missing bindings: ${missing.join(', ')}. See wrangler.toml and the README, "Deploy".`);
  }
  if (!/^[A-Za-z0-9+/]{43}=$/.test(env.SECRET_KEY)) {
    throw new Error('SECRET_KEY must be 32 bytes in base64, as `openssl rand -base64 32` prints them.');
  }
  const limited = {
    ...env,
    DB: withDeadline(env.DB, patience),
    LOGS: withDeadline(env.LOGS, patience),
    CONTENT: withPatience(env.CONTENT, 'The content store', storePatience),
    TOKEN_FAMILY: patient(env.TOKEN_FAMILY, 'The token family'),
    OUTBOX: patient(env.OUTBOX, 'The outbox'),
    LANE: patient(env.LANE, 'The lane'),
  };
  checked.set(env, limited);
  return limited;
}

function patient<Rpc extends object>(namespace: ObjectNamespace<Rpc>, what: string): ObjectNamespace<Rpc> {
  return { getByName: (name) => withPatience(namespace.getByName(name), what, objectPatience) };
}
