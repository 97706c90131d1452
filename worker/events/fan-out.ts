import { and, asc, eq, gt, inArray, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { LaneJob, LaneSettings, OutboxItem, WakeUp } from '../core/events.ts';
import { laneOf, outboxOf } from '../core/lane-of.ts';
import type { Env } from '../env.ts';
import { forgetLetters } from '../resources/dead-letter.ts';
import type { Row } from '../resources/define.ts';
import { events } from '../resources/event.ts';
import { outboxes } from '../resources/outbox.ts';
import { triggers } from '../resources/trigger.ts';
import { users } from '../resources/user.ts';
import { webhooks } from '../resources/webhook.ts';
import { triggerLane, webhookLane } from './lane-settings.ts';

/** Lanes that one round writes to; rounds of one consumer. An invocation may make 10,000 requests. */
const mostLanes = 500;
const mostRounds = 12;
/** Events of the database's outbox that one round takes. */
const mostTaken = 100;
/** Lanes written to at a time. */
const together = 20;

/**
 * Brings what waits in an outbox to the lanes of all webhooks and triggers that wait for it, and only then forgets it. Lanes take
 * an event once: whatever is done twice, by this consumer or another, changes nothing. Throws when a part could not be
 * done; the rest is.
 */
export async function fanOut(env: Env, wake: WakeUp): Promise<void> {
  const { tenant } = wake;
  const lease = crypto.randomUUID();
  const outbox = wake.outbox === 'database' ? databaseOutbox(env, tenant) : outboxOf(env, tenant, wake.outbox);
  try {
    for (let round = 0; round < mostRounds; round += 1) {
      const items = await outbox.take(lease);
      if (items.length === 0) {
        return;
      }
      const { done, reached, failure } = await deliver(env, tenant, items);
      if (done.length > 0 || reached.length > 0) {
        await outbox.done(lease, done, reached);
      }
      if (failure !== null) {
        throw failure;
      }
    }
    await env.EVENTS.send(wake);
  } catch (thrown) {
    await outbox.release(lease).catch(() => undefined);
    throw thrown;
  }
}

/** Events of management changes: they come out of the database, and go the same way. */
function databaseOutbox(env: Env, tenant: string) {
  const db = drizzle(env.DB);
  return {
    async take(_lease: string): Promise<OutboxItem[]> {
      const rows = await db
        .select()
        .from(outboxes)
        .where(eq(outboxes.tenant_id, tenant))
        .orderBy(asc(outboxes.id))
        .limit(mostTaken);
      return rows.map(({ event_id, name, payload, time, after }) => ({
        ...{ id: event_id, name, payload: JSON.stringify(payload), time, after },
        ...{ userId: null, depth: 0 },
      }));
    },
    async release() {},
    async done(_lease: string, done: string[], reached: { id: string; after: number }[]): Promise<void> {
      await env.DB.batch([
        env.DB.prepare('DELETE FROM outbox WHERE event_id IN (SELECT value FROM json_each(?))').bind(
          JSON.stringify(done),
        ),
        env.DB.prepare(
          `UPDATE outbox SET after = max(after, (SELECT value ->> '$.after' FROM json_each(?1) WHERE value ->> '$.id' = event_id))
           WHERE event_id IN (SELECT value ->> '$.id' FROM json_each(?1))`,
        ).bind(JSON.stringify(reached)),
      ]);
    },
  };
}

interface Round {
  /** Everybody has these. */
  done: string[];
  /** Webhooks up to there have these. */
  reached: { id: string; after: number }[];
  failure: unknown;
}

async function deliver(env: Env, tenant: string, items: OutboxItem[]): Promise<Round> {
  const now = Date.now();
  const page = await listeners(env, tenant, items);
  const last = page.length < mostLanes ? Number.POSITIVE_INFINITY : page.at(-1)!.webhook.id;
  const errands: Errand[] = [];
  for (const { event, webhook } of page) {
    const heard = items.filter(
      ({ name, userId, after }) =>
        name === event && (userId === null || userId === webhook.user_id) && after < webhook.id,
    );
    if (heard.length > 0) {
      errands.push({ lane: webhookLane(tenant, webhook), jobs: heard.map(jobOf) });
    }
  }
  if (last === Number.POSITIVE_INFINITY) {
    errands.push(...(await triggered(env, tenant, items, now)));
  }
  const failed = await run(errands, ({ lane, jobs }) => laneOf(env, lane).add(lane, jobs));
  const told = await run(await changedLanes(env, tenant, items, now), ({ lane, gone }) =>
    gone
      ? laneOf(env, lane)
          .clear()
          .then(() => forgetLetters(env.DB, lane).run())
      : laneOf(env, lane).configure(lane),
  );
  const lacking = new Set([
    ...[...failed].flatMap(([{ jobs }]) => jobs.map(({ id }) => id)),
    ...(told.size > 0 ? items.filter(({ name }) => concerning(name) !== null).map(({ id }) => id) : []),
  ]);
  const whole = items.filter(({ id }) => !lacking.has(id)).map(({ id }) => id);
  const [failure = null] = [...failed.values(), ...told.values()];
  return last === Number.POSITIVE_INFINITY
    ? { done: whole, reached: [], failure }
    : { done: [], reached: whole.map((id) => ({ id, after: last })), failure };
}

function jobOf({ id, name, payload, time, depth }: OutboxItem): LaneJob {
  return { id, name, payload, time, depth };
}

interface Errand {
  lane: LaneSettings;
  jobs: LaneJob[];
}

/** The next webhooks that wait for one of these events, with its name, in the order of their ids. */
async function listeners(env: Env, tenant: string, items: OutboxItem[]): Promise<{ event: string; webhook: Row }[]> {
  return (await drizzle(env.DB)
    .select({ event: events.name, webhook: webhooks })
    .from(webhooks)
    .innerJoin(events, and(eq(events.id, webhooks.event_id), eq(events.tenant_id, webhooks.tenant_id)))
    // Whoever was disabled or deleted is told nothing more.
    .innerJoin(users, and(eq(users.id, webhooks.user_id), eq(users.status, 1)))
    .where(
      and(
        eq(webhooks.tenant_id, tenant),
        eq(webhooks.status, 1),
        eq(events.status, 1),
        inArray(events.name, listed(items.map(({ name }) => name))),
        gt(webhooks.id, Math.min(...items.map(({ after }) => after))),
      ),
    )
    .orderBy(asc(webhooks.id))
    .limit(mostLanes)) as { event: string; webhook: Row }[];
}

/** What is for one user's webhooks only runs no trigger. */
async function triggered(env: Env, tenant: string, items: OutboxItem[], now: number): Promise<Errand[]> {
  const names = items.filter(({ userId }) => userId === null).map(({ name }) => name);
  const rows = await drizzle(env.DB)
    .select()
    .from(triggers)
    .where(and(eq(triggers.tenant_id, tenant), eq(triggers.status, 1), inArray(triggers.event, listed(names))));
  return (rows as Row[]).map((row) => ({
    lane: triggerLane(tenant, row, now),
    jobs: items.filter(({ name, userId }) => userId === null && name === row.event).map(jobOf),
  }));
}

/** Which kind of lane an event of the platform is about. */
function concerning(name: string): 'webhook' | 'trigger' | null {
  return name.startsWith('fusio.webhook.') ? 'webhook' : name.startsWith('fusio.trigger.') ? 'trigger' : null;
}

/** Lanes whose webhook or trigger was changed: they are told how it is now. */
async function changedLanes(
  env: Env,
  tenant: string,
  items: OutboxItem[],
  now: number,
): Promise<{ lane: LaneSettings; gone: boolean }[]> {
  const found = await Promise.all(
    (['webhook', 'trigger'] as const).map(async (kind) => {
      const ids = items.flatMap(({ name, payload }) =>
        concerning(name) === kind ? Number(JSON.parse(payload).data.id) : [],
      );
      if (ids.length === 0) {
        return [];
      }
      const table = kind === 'webhook' ? webhooks : triggers;
      const rows = (await drizzle(env.DB)
        .select()
        .from(table)
        .where(and(eq(table.tenant_id, tenant), inArray(table.id, listed(ids))))) as Row[];
      return rows.map((row) => ({
        lane: kind === 'webhook' ? webhookLane(tenant, row) : triggerLane(tenant, row, now),
        gone: row.status === 0,
      }));
    }),
  );
  return found.flat();
}

/** Runs some at a time; gives those that failed, with why. */
async function run<T>(tasks: readonly T[], work: (task: T) => Promise<unknown>): Promise<Map<T, unknown>> {
  const failed = new Map<T, unknown>();
  const waiting = [...tasks];
  await Promise.all(
    Array.from({ length: Math.min(together, waiting.length) }, async () => {
      for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
        const one = task;
        await work(one).catch((thrown) => failed.set(one, thrown));
      }
    }),
  );
  return failed;
}

function listed(values: readonly (string | number)[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`;
}
