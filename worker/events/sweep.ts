import { and, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { WakeUp } from '../core/events.ts';
import { laneOf, outboxShards } from '../core/lane-of.ts';
import type { Env } from '../env.ts';
import { triggers } from '../resources/trigger.ts';
import { webhooks } from '../resources/webhook.ts';
import { fanOut } from './fan-out.ts';

type Report = (place: string, thrown: unknown) => void;
type ReportOf = (tenant: string, place: string, thrown: unknown) => void;

/** Tenants whose stored events one sweep fans out. */
const mostTenants = 100;

/** Outboxes that are asked at a time: when none answers, a minute is not over before all were given up. */
const together = 4;

/** Fans out what the queue missed. */
export async function sweepOutboxes(env: Env, tenant: string, report: Report): Promise<void> {
  const waiting: WakeUp['outbox'][] = ['database', ...Array.from({ length: outboxShards }, (_, shard) => shard)];
  const work = async () => {
    for (let outbox = waiting.shift(); outbox !== undefined; outbox = waiting.shift()) {
      await fanOut(env, { tenant, outbox }).catch((thrown) => report('jobs.outbox', thrown));
    }
  };
  await Promise.all(Array.from({ length: together }, work));
}

/** Fans out what management changes left in the database, of every tenant beside the root one. */
export async function sweepStored(env: Env, report: ReportOf): Promise<void> {
  const { results } = await env.DB.prepare(
    `SELECT DISTINCT tenant_id AS tenant FROM outbox WHERE tenant_id <> '' LIMIT ${mostTenants}`,
  ).all<{ tenant: string }>();
  for (const { tenant } of results) {
    await fanOut(env, { tenant, outbox: 'database' }).catch((thrown) => report(tenant, 'jobs.outbox', thrown));
  }
}

/** Wakes each lane of every tenant once an hour, should its alarm be lost: every minute a sixtieth of them. */
export async function sweepLanes(env: Env, minute: number, report: ReportOf): Promise<void> {
  const db = drizzle(env.DB);
  const kinds = { webhook: webhooks, trigger: triggers } as const;
  for (const kind of ['webhook', 'trigger'] as const) {
    const table = kinds[kind];
    const rows = await db
      .select({ tenant: table.tenant_id, id: table.id })
      .from(table)
      .where(and(eq(table.status, 1), sql`${table.id} % 60 = ${minute}`))
      .limit(1_000);
    for (const { tenant, id } of rows) {
      await laneOf(env, { tenant, kind, id })
        .nudge()
        .catch((thrown) => report(tenant, 'jobs.lanes', thrown));
    }
  }
}
