import type { LaneAddress, LaneSettings } from '../core/events.ts';
import type { Row } from '../resources/define.ts';

const seconds = 1_000;
const minutes = 60 * seconds;
const hours = 60 * minutes;

/** Waits after failed attempts, milliseconds: eight attempts in 27 hours and 35 minutes. */
const schedule = [5 * seconds, 5 * minutes, 30 * minutes, 2 * hours, 5 * hours, 10 * hours, 10 * hours] as const;
/** Nothing but failures for so long closes a webhook, milliseconds. */
const patience = 5 * 24 * hours;

/** What a webhook's delivery needs to know; secrets stay sealed. */
export interface WebhookTarget extends Record<string, unknown> {
  endpoint: string;
  format: string;
  secret: unknown;
  /** The one before the last rotation, good until `overlap` (milliseconds since the epoch). */
  formerSecret: unknown;
  overlap: number;
  /** Set while the endpoint has not answered its challenge yet. */
  unverified: boolean;
}

/** The lane of a webhook's row. */
export function webhookLane(tenant: string, row: Row): LaneSettings & { target: WebhookTarget } {
  const unverified = row.challenge === true && row.verified === null;
  return {
    tenant,
    kind: 'webhook',
    id: row.id,
    version: row.changed,
    active: row.status === 1 && !unverified,
    mode: row.mode,
    concurrency: row.concurrency,
    rate: row.rate,
    schedule,
    order: row.order_by,
    patience,
    target: {
      endpoint: row.endpoint,
      format: row.format,
      secret: row.secret,
      formerSecret: row.former_secret,
      overlap: row.overlap ?? 0,
      unverified,
    },
  };
}

/** The lane of a trigger's row, read at `now`. */
export function triggerLane(tenant: string, row: Row, now: number): LaneSettings {
  return {
    ...actionLane({ tenant, kind: 'trigger', id: row.id }),
    version: now,
    active: row.status === 1,
    target: { action: row.action },
  };
}

/** A lane of async runs: what an action wants is in the job. */
export function runLane(tenant: string, shard: number): LaneSettings {
  return { ...actionLane({ tenant, kind: 'run', id: shard }), concurrency: 6, version: 1, active: true, target: {} };
}

function actionLane(address: LaneAddress): Omit<LaneSettings, 'version' | 'active' | 'target'> {
  return { ...address, mode: 'push', concurrency: 4, rate: null, schedule, order: null, patience: null };
}
