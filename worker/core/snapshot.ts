import type { Soon } from '../lib/soon.ts';
import type {
  ActionRecord,
  ConfigRecord,
  ConnectionRecord,
  EventRecord,
  HostRecord,
  KeyRecord,
  OperationRecord,
  RateRecord,
  SchemaRecord,
  TenantRecord,
} from './records.ts';

/** A found route, or what stands in the way. */
export type Match =
  | {
      found: true;
      operationId: number;
      params: Record<string, string>;
      /** The snapshot that has the operation: a newer one, when a revision came between. */
      snapshot: Snapshot;
    }
  /** `allow` lists the methods of the path; empty when no operation has it. */
  | { found: false; allow: string[] };

/**
 * The immutable compiled configuration that an isolate serves from (worker/snapshot/). Records are loaded leaf by
 * leaf from memory, KV or D1; a record object is the same object as long as its leaf did not change, so what
 * is compiled from it is memoised beside it.
 */
export interface Snapshot {
  readonly tenant: string;
  readonly revision: number;
  /** True when the last check of the head failed and this is the last known good. */
  readonly stale: boolean;
  match(method: string, segments: readonly string[]): Match;
  operation(id: number): Soon<OperationRecord | undefined>;
  /** By reference without its `action://`: `Name` or `Name@commit`. */
  action(reference: string): Soon<ActionRecord | undefined>;
  /** By reference without its `schema://`. */
  schema(reference: string): Soon<SchemaRecord | undefined>;
  /** By name, or by id as text where no connection is called so. */
  connection(name: string): Soon<ConnectionRecord | undefined>;
  event(name: string): Soon<EventRecord | undefined>;
  /** The tenant that a host name chooses; of the root tenant's snapshot. */
  host(name: string): Soon<HostRecord | undefined>;
  /** A tenant by its name; of the root tenant's snapshot. */
  tenantNamed(name: string): Soon<TenantRecord | undefined>;
  /** Active rates, highest priority first. */
  readonly rates: readonly RateRecord[];
  readonly keys: readonly KeyRecord[];
  config(name: string): ConfigRecord['value'] | undefined;
  /** Whether a token, or everything of a family, user or app issued before now, was revoked. */
  revoked(token: { jti: string; family: string | null; userId: number; appId: number | null; issued: number }): boolean;
  /** Whether the firewall denies a caller; `request` tells where it comes from, and is asked only where a rule cares. */
  banned(address: string, request?: { readonly cf?: object }): boolean;
}

const memos = new WeakMap<object, Map<string, unknown>>();

/** What `make` derives from a record, made once for the life of the record. */
export function memo<T>(record: object, name: string, make: () => T): T {
  let made = memos.get(record);
  if (made === undefined) {
    memos.set(record, (made = new Map()));
  }
  let known = made.get(name);
  if (known === undefined && !made.has(name)) {
    made.set(name, (known = make()));
  }
  return known as T;
}

/** Stands for the configuration where none is loaded: nothing is found in it, nobody is known. */
export function noSnapshot(tenant: string): Snapshot {
  const nothing = async () => undefined;
  return {
    tenant,
    revision: 0,
    stale: true,
    match: () => ({ found: false, allow: [] }),
    operation: nothing,
    action: nothing,
    schema: nothing,
    connection: nothing,
    event: nothing,
    host: nothing,
    tenantNamed: nothing,
    rates: [],
    keys: [],
    config: () => undefined,
    revoked: () => false,
    banned: () => false,
  };
}
