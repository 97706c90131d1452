import type { Call } from '../core/call.ts';

/** A changed plan holds after so long, milliseconds. */
const fresh = 10_000;
/** Longest wait of a call for a look-up, milliseconds. */
const patience = 200;
/** A look-up that failed, or was late, is not waited for again so soon, milliseconds. */
const rest = 2_000;
/** Users remembered per isolate. */
const mostUsers = 10_000;

/** By tenant and user, the longest known first; `planId` is undefined while nobody could tell. */
const plans = new Map<string, { planId: number | null | undefined; until: number }>();

/**
 * The plan of a user, null for none, undefined while it is not known. Looked up at most every ten seconds per isolate. While the
 * database is slow or out of reach the last known plan counts; a call waits 200 ms at most, and an answer that comes later
 * is for the calls after it.
 */
export async function planOfUser(call: Call, userId: number): Promise<number | null | undefined> {
  const { tenant, runtime } = call;
  const place = `${userId}/${tenant}`;
  const known = plans.get(place);
  if (known !== undefined && runtime.now() < known.until) {
    return known.planId;
  }
  const lookup = runtime.env.DB.prepare('SELECT plan_id FROM user WHERE tenant_id = ? AND id = ?')
    .bind(tenant, userId)
    .first<{ plan_id: number | null }>()
    .then(
      (row) => keep(place, row?.plan_id ?? null, runtime.now() + fresh),
      (thrown) => {
        runtime.report('rate.plan', thrown);
        keep(place, plans.get(place)?.planId, runtime.now() + rest);
      },
    );
  if (!(await inTime(lookup))) {
    keep(place, plans.get(place)?.planId, runtime.now() + rest);
    runtime.defer(lookup);
  }
  return plans.get(place)?.planId;
}

/** The plan of a user as far as this isolate knows it, without asking; null for none. */
export function knownPlan(tenant: string, userId: number): number | null | undefined {
  return plans.get(`${userId}/${tenant}`)?.planId;
}

async function inTime(lookup: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patience);
  });
  try {
    return await Promise.race([lookup.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function keep(place: string, planId: number | null | undefined, until: number): void {
  plans.delete(place);
  plans.set(place, { planId, until });
  if (plans.size > mostUsers) {
    plans.delete(plans.keys().next().value!);
  }
}
