/**
 * The rows of the configuration as they travel in a snapshot: plain JSON, one shape for D1 (JSON columns parsed), the
 * content store and the isolates. `id` is the row's number; a row belongs to a tenant by where it is kept.
 */

/** Stability as Fusio numbers it. */
export const stabilities = ['deprecated', 'experimental', 'stable', 'legacy'] as const;

export interface ParameterRecord {
  type?: 'string' | 'boolean' | 'integer' | 'number';
  format?: string;
  enum?: unknown[];
  description?: string;
  [keyword: string]: unknown;
}

/** What an operation may set beyond Fusio's fields; all optional, kept in `operation.options`. */
export interface OperationOptions {
  /** Total milliseconds an action may take (default 30,000). */
  timeout?: number;
  /** Largest accepted body in bytes (default 1 MiB where a schema reads it; else as the platform allows). */
  bodyLimit?: number;
  cors?: { origins?: string[]; headers?: string[]; credentials?: boolean; maxAge?: number };
  validateResponse?: 'off' | 'report' | 'enforce';
  /** Whether a repeated request with the same Idempotency-Key is run once, and whether there must be a key. */
  idempotency?: 'allowed' | 'required';
  /** Path parameters in which an encoded slash is allowed. */
  encodedSlash?: string[];
  /** Since when it is deprecated, ISO 8601 (RFC 9745); stability 0 without it says "since ever". */
  deprecated?: string;
  /** Sunset date, ISO 8601 (RFC 8594). */
  sunset?: string;
  /** `sample` 0 … 1; `redact`: JSON Pointers of further body members to mask (`*` stands for any member). */
  log?: { enabled?: boolean; sample?: number; body?: boolean; redact?: string[] };
}

/** What a version header puts in place of the operation's current references. */
export interface OperationVersion {
  action: string;
  incoming: string | null;
  outgoing: string | null;
}

export interface OperationRecord {
  id: number;
  /** 1 default, 2 backend, 3 consumer, 4 system, 5 authorization. */
  category_id: number;
  status: number;
  active: boolean;
  public: boolean;
  stability: number;
  description: string | null;
  http_method: string;
  http_path: string;
  http_code: number;
  name: string;
  parameters: Record<string, ParameterRecord> | null;
  incoming: string | null;
  outgoing: string | null;
  throws: Record<string, string> | null;
  action: string;
  costs: number;
  /** Scope name → allowed. */
  scopes: Record<string, boolean>;
  options: OperationOptions | null;
  /** Version → the references that it chose: `{"1.2.0": {action, incoming, outgoing}}`. */
  versions: Record<string, OperationVersion> | null;
  metadata: Record<string, unknown> | null;
}

export interface ActionRecord {
  id: number;
  status: number;
  name: string;
  class: string;
  async: boolean;
  config: Record<string, unknown>;
  metadata: Record<string, unknown> | null;
}

export interface SchemaRecord {
  id: number;
  status: number;
  name: string;
  /** As written: TypeSchema or JSON Schema. */
  source: Record<string, unknown>;
  /** As JSON Schema 2020-12 or draft-07, converted at publish; `$ref: "schema://Name"` points to another named schema. */
  compiled: Record<string, unknown>;
  form: Record<string, unknown> | null;
  metadata: Record<string, unknown> | null;
}

/** What actions may dispatch: webhooks and triggers wait for it by name. */
export interface EventRecord {
  id: number;
  status: number;
  category_id: number;
  name: string;
  description: string;
  /** Reference of the payload's schema; null: anything. */
  schema: string | null;
  metadata: Record<string, unknown> | null;
}

export interface ConnectionRecord {
  id: number;
  status: number;
  name: string;
  class: string;
  /** Secret members are sealed envelopes (lib/seal.ts), opened at first use. */
  config: Record<string, unknown>;
  metadata: Record<string, unknown> | null;
}

export interface RateAllocation {
  operationId?: number | null;
  userId?: number | null;
  planId?: number | null;
  appId?: number | null;
  authenticated?: boolean | null;
}

export interface RateRecord {
  id: number;
  status: number;
  priority: number;
  name: string;
  rate_limit: number;
  /** ISO 8601 duration. */
  timespan: string;
  allocation: RateAllocation[];
  mode: 'leased' | 'exact';
  on_error: 'open' | 'closed';
}

export interface ConfigRecord {
  id: number;
  name: string;
  type: number;
  value: string | number | boolean | null;
}

/** A signing key pair: the public JWK is published, the private one is sealed. */
export interface KeyRecord {
  id: number;
  status: number;
  kid: string;
  alg: string;
  public: Record<string, unknown>;
  private: unknown;
  created: string;
}

/** A tenant as the root tenant's snapshot has it, by its name. */
export interface TenantRecord {
  id: number;
  name: string;
  /** The first one is its home. */
  hosts: string[];
}

/** A host name that chooses a tenant: in the root tenant's snapshot, by `name`. */
export interface HostRecord {
  id: number;
  name: string;
  /** Key of the tenant. */
  tenant: string;
  /** False: the tenant was removed. */
  open: boolean;
}

/** What routing needs of an operation, loaded eagerly; a system operation (compiled into the bundle) has a negative id. */
export interface RouteRecord {
  id: number;
  name: string;
  method: string;
  path: string;
}
