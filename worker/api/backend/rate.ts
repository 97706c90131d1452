import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError, invalidParameter } from '../../core/errors.ts';
import type { LimiterReport } from '../../core/ports.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { countingPlace, sharedObjects } from '../../gateway/limiter-name.ts';
import { canonicalAddress } from '../../lib/client-address.ts';
import { within } from '../../lib/deadline.ts';
import { findRow } from '../../resources/crud.ts';
import { rate } from '../../resources/rate.ts';

/** Longest wait for the objects, milliseconds. */
const patience = 3_000;

const count = (description: string) => Type.Integer({ description });

const report = Type.Object({
  objects: count('Objects that were asked'),
  callers: count('Callers whose windows are in memory'),
  asked: count('Questions of isolates'),
  admitted: count('Calls admitted, in leases or one by one'),
  refused: count('Questions that were refused; an isolate remembers a refusal and refuses further calls by itself'),
  returned: count('Calls of leases that came back unused'),
  forfeited: count('Calls that crashes cost at most'),
  writes: count('Writes to storage'),
});

/** What the counters of a rate say about themselves. */
export const rateOperations: readonly SystemOperation[] = [
  {
    name: 'backend.rate.report',
    method: 'GET',
    path: '/backend/rate/$rate_id<[0-9]+|^~>/report',
    description:
      'Returns what the counters of a rate admitted, refused and forfeited since they woke up: of one user, app or address, or else of all anonymous callers together',
    scope: 'backend.rate',
    query: {
      userId: { type: 'integer', minimum: 1, description: 'Of this user' },
      appId: { type: 'integer', minimum: 1, description: 'Of this app, where it calls without a user' },
      ip: { type: 'string', description: 'Of the shard of this address' },
    },
    outgoing: report,
    run: reportOf,
  },
];

async function reportOf(call: Call, { path, query }: Input): Promise<LimiterReport & { objects: number }> {
  const { id } = await findRow(call, rate, String(path.rate_id));
  const names = objectsOf(call.tenant, id, query);
  const { LIMITER } = call.runtime.env;
  const reports = await within(patience, 'The limiter', () =>
    Promise.all(names.map((name) => LIMITER.getByName(name).report())),
  ).catch((cause) => {
    throw new ApiError('unavailable', 'The counters cannot be reached at the moment', {
      cause,
      headers: { 'Retry-After': '2' },
    });
  });
  const total = { objects: names.length, callers: 0, asked: 0, admitted: 0, refused: 0, returned: 0, forfeited: 0 };
  return reports.reduce<LimiterReport & { objects: number }>(
    (sum, one) => {
      for (const [name, value] of Object.entries(one) as [keyof LimiterReport, number][]) {
        sum[name] += value;
      }
      return sum;
    },
    { ...total, writes: 0 },
  );
}

function objectsOf(tenant: string, rateId: number, { userId, appId, ip }: Input['query']): string[] {
  if (userId === undefined && appId === undefined && ip === undefined) {
    return sharedObjects(tenant, rateId);
  }
  const address = ip === undefined ? '' : canonicalAddress(String(ip));
  if (address === null) {
    throw invalidParameter('ip', 'no address');
  }
  const caller = { userId: Number(userId ?? 0) || null, appId: Number(appId ?? 0) || null, ip: address };
  return [countingPlace(tenant, rateId, caller).object];
}
