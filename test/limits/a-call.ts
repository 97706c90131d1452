import { anonymous, type Call, type CallOperation } from '../../worker/core/call.ts';
import type { RateRecord } from '../../worker/core/records.ts';
import type { Runtime } from '../../worker/core/runtime.ts';
import { noSnapshot } from '../../worker/core/snapshot.ts';
import type { Env } from '../../worker/env.ts';

// What the rate step needs of a call, for tests of the step and for the worker that tests the object.

export interface CallOptions {
  rates: readonly RateRecord[];
  env: Partial<Env>;
  userId?: number | null;
  appId?: number | null;
  ip?: string;
  operationId?: number | null;
  now?: () => number;
  report?: (place: string, thrown: unknown) => void;
  defer?: (work: Promise<unknown>) => void;
}

export function aRate(record: Partial<RateRecord> = {}): RateRecord {
  return {
    id: 1,
    status: 1,
    priority: 0,
    name: 'Default',
    rate_limit: 10,
    timespan: 'PT1M',
    allocation: [{}],
    mode: 'leased',
    on_error: 'closed',
    ...record,
  };
}

export function aCall(options: CallOptions): Call {
  const now = options.now ?? Date.now;
  const unused = () => {
    throw new Error('The rate step has no business here');
  };
  const runtime: Runtime = {
    env: options.env as Env,
    now,
    egress: { fetch: unused },
    observer: { observe: unused },
    publishing: { commit: unused, rollback: unused, revoke: unused, firewall: unused },
    dispatcher: { dispatch: unused, queue: unused },
    system: { match: unused, operations: [] },
    report: options.report ?? unused,
    defer: options.defer ?? (() => {}),
  };
  const url = new URL('http://gateway.test/things');
  const { operationId = 7, userId = null, appId = null } = options;
  return {
    id: 'request-1',
    request: new Request(url),
    url,
    method: 'GET',
    tenant: '',
    ip: options.ip ?? '192.0.2.1',
    started: now(),
    runtime,
    snapshot: { ...noSnapshot(''), rates: options.rates },
    path: { text: '/things', segments: ['things'], slashed: [] },
    operation: operationId === null ? null : ({ id: operationId } as CallOperation),
    params: {},
    version: null,
    caller: { ...anonymous, userId, appId },
    quota: null,
    headers: new Headers(),
    upstream: 0,
    points: 0,
    bodyText: null,
  };
}
