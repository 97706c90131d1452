import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { LaneWork } from '../core/events.ts';
import type { Runtime } from '../core/runtime.ts';
import { createCronWork } from '../cron/run.ts';
import type { Env } from '../env.ts';
import { keepLetters } from '../resources/dead-letter.ts';
import type { Row } from '../resources/define.ts';
import { eventRow, insertEvents, raisedAny } from '../resources/outbox.ts';
import { webhooks } from '../resources/webhook.ts';
import { deliver } from './deliver.ts';
import { runQueued, runTrigger } from './run-action.ts';

/** What the Lane objects do: deliver to webhooks, run actions. `runtimeOf` makes what a tenant's work may use. */
export function createLaneWork(env: Env, runtimeOf: (tenant: string) => Runtime): LaneWork {
  const attemptRun = createCronWork();
  return {
    attempt(lane, job) {
      const runtime = runtimeOf(lane.tenant);
      switch (lane.kind) {
        case 'webhook':
          return deliver(lane, job, runtime);
        case 'trigger':
          return runTrigger(lane, job, runtime);
        case 'run':
          return runQueued(lane, job, runtime);
        case 'cronjob':
          return attemptRun(lane, job, runtime);
      }
    },
    letters: (lane, letters) => keepLetters(env.DB, lane, letters),
    async closed({ tenant, id, version }, reason, since) {
      const [row] = (await drizzle(env.DB).select().from(webhooks).where(eq(webhooks.id, id))) as Row[];
      // Changed meanwhile: its owner knows better.
      if (row === undefined || row.status !== 1 || row.changed !== version) {
        return;
      }
      const now = runtimeOf(tenant).now();
      const disabled = { reason, since: new Date(since).toISOString(), date: new Date(now).toISOString() };
      const data = { id, name: row.name, endpoint: row.endpoint, userId: row.user_id, disabled };
      const statements = [
        env.DB.prepare(
          'UPDATE webhook SET status = 2, disabled = ?, changed = changed + 1 WHERE id = ? AND status = 1 AND changed = ?',
        ).bind(JSON.stringify(disabled), id, version),
        ...insertEvents(env.DB, [eventRow(tenant, 'fusio.webhook.disable', `/backend/webhook/${id}`, now, data)]),
      ];
      const results = await env.DB.batch(statements);
      if (raisedAny(results, statements.slice(1))) {
        await env.EVENTS.send({ tenant, outbox: 'database' });
      }
    },
  };
}
