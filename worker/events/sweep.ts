import { and, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { laneOf, outboxShards } from '../core/lane-of.ts';
import type { Env } from '../env.ts';
import { triggers } from '../resources/trigger.ts';
import { webhooks } from '../resources/webhook.ts';
import { fanOut } from './fan-out.ts';

type Report = (place: string, thrown: unknown) => void;

/** Fans out what the queue missed: every minute. */
export async function sweepOutboxes(env: Env, tenant: string, report: Report): Promise<void> {
  for (const outbox of ['database', ...Array.from({ length: outboxShards }, (_, shard) => shard)] as const) {
    await fanOut(env, { tenant, outbox } as Parameters<typeof fanOut>[1]).catch((thrown) =>
      report('jobs.outbox', thrown),
    );
  }
}

/** Wakes each lane once an hour, should its alarm be lost: every minute a sixtieth of them. */
export async function sweepLanes(env: Env, tenant: string, minute: number, report: Report): Promise<void> {
  const db = drizzle(env.DB);
  const kinds = { webhook: webhooks, trigger: triggers } as const;
  for (const kind of ['webhook', 'trigger'] as const) {
    const table = kinds[kind];
    const rows = await db
      .select({ id: table.id })
      .from(table)
      .where(and(eq(table.tenant_id, tenant), eq(table.status, 1), sql`${table.id} % 60 = ${minute}`))
      .limit(1_000);
    for (const { id } of rows) {
      await laneOf(env, { tenant, kind, id })
        .nudge()
        .catch((thrown) => report('jobs.lanes', thrown));
    }
  }
}
