import type { Call } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import type { Soon } from '../lib/soon.ts';

/** Points that were taken for a call; `release` gives them back when the call failed for a reason that is not the caller's. */
export interface Credits {
  release(): Promise<void>;
}

/** Of an operation that costs nothing. */
export const noCredits: Credits = { release: async () => undefined };

/**
 * Takes the operation's costs from the caller's points, exactly and before the action runs: one conditional UPDATE, so that
 * parallel calls never spend more than there is. Anonymous callers get 403, too few points 402.
 */
export function reserveCredits(call: Call): Soon<Credits> {
  const { costs } = call.operation!;
  return costs === 0 ? noCredits : take(call, costs);
}

async function take(call: Call, costs: number): Promise<Credits> {
  const { caller, runtime, tenant } = call;
  if (caller.userId === null) {
    throw new ApiError('forbidden', 'This action costs points, it can only be called with an account');
  }
  const change = (points: number) =>
    runtime.env.DB.prepare('UPDATE user SET points = points + ? WHERE tenant_id = ? AND id = ? AND points + ? >= 0')
      .bind(points, tenant, caller.userId, points)
      .run();
  let taken: D1Result;
  try {
    taken = await change(-costs);
  } catch (cause) {
    throw new ApiError('unavailable', 'Points cannot be booked at the moment', {
      cause,
      headers: { 'Retry-After': '2' },
    });
  }
  if (taken.meta.changes === 0) {
    throw new ApiError('insufficient_points');
  }
  call.points = costs;
  return {
    async release() {
      call.points = 0;
      runtime.defer(change(costs));
    },
  };
}
