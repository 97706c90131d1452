import type { Call } from '../core/call.ts';
import type { RateAllocation, RateRecord } from '../core/records.ts';
import { memo } from '../core/snapshot.ts';
import { durationSeconds } from '../lib/duration.ts';
import { type Soon, soon } from '../lib/soon.ts';

/** A rate, prepared once per snapshot for the calls it applies to. */
export interface ChosenRate {
  record: RateRecord;
  /** Calls per timespan. */
  limit: number;
  /** Seconds; null for a row that never went through validation. */
  timespan: number | null;
  /** Its name as a structured field string, quoted (RFC 9651 section 3.3.3). */
  item: string;
}

/** The plan of a user, null for none, undefined while it is not known. Asked only when an allocation that could decide names a plan. */
export type PlanOf = (call: Call, userId: number) => Promise<number | null | undefined>;

interface Candidate {
  /** Place in the order of decreasing priority: the lowest that matches counts. */
  rank: number;
  rate: ChosenRate;
  allocation: RateAllocation;
}

/** Candidates by the most selective thing they ask for, so that a thousand rates for single users or operations cost nothing. */
interface RateIndex {
  byUser: Map<number, Candidate[]>;
  byOperation: Map<number, Candidate[]>;
  byApp: Map<number, Candidate[]>;
  general: Candidate[];
  /** Plans that allocations name. */
  plans: number[];
}

/** What a plan must be for a candidate to match while nobody has looked it up. */
const anyPlan = Symbol('any plan');

/**
 * Which rate counts for a call: of the active ones by decreasing priority (then by age) the first that has an allocation
 * whose operation, user, plan, app and authenticated are each null or the call's. A rate without allocations applies to
 * nothing. Null when none matches.
 *
 * While nobody knows the user's plan, the most generous of the rates that any plan would get counts: nobody is refused what
 * he paid for, and nobody is without a limit.
 */
export function chooseRate(call: Call, planOf: PlanOf): Soon<ChosenRate | null> {
  const { rates } = call.snapshot;
  if (rates.length === 0) {
    return null;
  }
  const index = memo(rates, 'rates', () => compile(rates));
  const possible = first(index, call, anyPlan);
  if (possible === null || !isSet(possible.allocation.planId)) {
    return possible?.rate ?? null;
  }
  const { userId } = call.caller;
  return soon(userId === null ? null : planOf(call, userId), (planId) => {
    return (planId === undefined ? mostGenerous(index, call) : first(index, call, planId)?.rate) ?? null;
  });
}

function mostGenerous(index: RateIndex, call: Call): ChosenRate | undefined {
  const possible = [null, ...index.plans].flatMap((planId) => first(index, call, planId)?.rate ?? []);
  const perSecond = ({ limit, timespan }: ChosenRate) => limit / (timespan ?? Number.POSITIVE_INFINITY);
  return possible.sort((one, other) => perSecond(other) - perSecond(one))[0];
}

function compile(rates: readonly RateRecord[]): RateIndex {
  const ordered = rates
    .filter((rate) => rate.status === 1)
    .sort((one, other) => other.priority - one.priority || one.id - other.id);
  const plans = new Set(ordered.flatMap(({ allocation }) => allocation.flatMap(({ planId }) => planId ?? [])));
  const index: RateIndex = {
    byUser: new Map(),
    byOperation: new Map(),
    byApp: new Map(),
    general: [],
    plans: [...plans],
  };
  let rank = 0;
  for (const record of ordered) {
    const name = record.name.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&');
    const rate = { record, limit: record.rate_limit, timespan: secondsOf(record), item: `"${name}"` };
    for (const allocation of record.allocation) {
      listFor(index, allocation).push({ rank: rank++, rate, allocation });
    }
  }
  return index;
}

function secondsOf(record: RateRecord): number | null {
  try {
    return durationSeconds(record.timespan);
  } catch {
    return null;
  }
}

function listFor(index: RateIndex, { userId, operationId, appId }: RateAllocation): Candidate[] {
  const [map, id] = isSet(userId)
    ? [index.byUser, userId]
    : isSet(operationId)
      ? [index.byOperation, operationId]
      : isSet(appId)
        ? [index.byApp, appId]
        : [null, 0];
  if (map === null) {
    return index.general;
  }
  let list = map.get(id);
  if (list === undefined) {
    map.set(id, (list = []));
  }
  return list;
}

/** The matching candidate of the lowest rank. */
function first(index: RateIndex, call: Call, planId: number | null | typeof anyPlan): Candidate | null {
  const { userId, appId } = call.caller;
  let best = firstOf(index.general, call, planId, null);
  if (userId !== null) {
    best = firstOf(index.byUser.get(userId), call, planId, best);
  }
  if (appId !== null) {
    best = firstOf(index.byApp.get(appId), call, planId, best);
  }
  return call.operation === null ? best : firstOf(index.byOperation.get(call.operation.id), call, planId, best);
}

function firstOf(
  list: Candidate[] | undefined,
  call: Call,
  planId: number | null | typeof anyPlan,
  best: Candidate | null,
): Candidate | null {
  for (const candidate of list ?? []) {
    if (best !== null && candidate.rank > best.rank) {
      return best;
    }
    if (matches(candidate.allocation, call, planId)) {
      return candidate;
    }
  }
  return best;
}

function matches(allocation: RateAllocation, call: Call, planId: number | null | typeof anyPlan): boolean {
  const { caller, operation } = call;
  return (
    (!isSet(allocation.operationId) || allocation.operationId === operation?.id) &&
    (!isSet(allocation.userId) || allocation.userId === caller.userId) &&
    (!isSet(allocation.appId) || allocation.appId === caller.appId) &&
    (!isSet(allocation.authenticated) || allocation.authenticated === (caller.userId !== null)) &&
    (!isSet(allocation.planId) || (planId === anyPlan ? caller.userId !== null : allocation.planId === planId))
  );
}

function isSet<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
