import type { Env } from '../env.ts';
import type { LaneAddress, LaneRpc, OutboxRpc } from './events.ts';

/** Shards of a tenant's outbox: each accepts some hundreds of events a second. */
export const outboxShards = 16;

/** Lanes that run a tenant's async actions. */
export const runShards = 16;

/** An Outbox object, by this name everywhere. */
export function outboxOf(env: Pick<Env, 'OUTBOX'>, tenant: string, shard: number): OutboxRpc {
  return env.OUTBOX.getByName(`outbox:${tenant}:${shard}`);
}

/** The Lane object of a webhook, a trigger, or a shard of async runs. */
export function laneOf(env: Pick<Env, 'LANE'>, { tenant, kind, id }: LaneAddress): LaneRpc {
  return env.LANE.getByName(`lane:${tenant}:${kind}:${id}`);
}
