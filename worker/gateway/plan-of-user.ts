import type { Call } from '../core/call.ts';

/** A changed plan holds after so long, milliseconds. */
const fresh = 10_000;
/** Users remembered per isolate. */
const mostUsers = 10_000;

/** By tenant and user, the longest known first. */
const plans = new Map<string, { planId: number | null; at: number }>();

/**
 * The plan of a user, or null. Looked up at most every ten seconds per isolate; while the database is out of reach the last
 * known plan counts (none, when there is none), because a rate is no reason to refuse a call.
 */
export async function planOfUser(call: Call, userId: number): Promise<number | null> {
  const { tenant, runtime } = call;
  const place = `${userId}/${tenant}`;
  const known = plans.get(place);
  const now = runtime.now();
  if (known !== undefined && now - known.at < fresh) {
    return known.planId;
  }
  try {
    const row = await runtime.env.DB.prepare('SELECT plan_id FROM user WHERE tenant_id = ? AND id = ?')
      .bind(tenant, userId)
      .first<{ plan_id: number | null }>();
    keep(place, row?.plan_id ?? null, now);
  } catch (thrown) {
    runtime.report('rate.plan', thrown);
    keep(place, known?.planId ?? null, now);
  }
  return plans.get(place)?.planId ?? null;
}

function keep(place: string, planId: number | null, now: number): void {
  plans.delete(place);
  plans.set(place, { planId, at: now });
  if (plans.size > mostUsers) {
    plans.delete(plans.keys().next().value!);
  }
}
