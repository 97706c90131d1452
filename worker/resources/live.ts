import type { Call } from '../core/call.ts';
import type { ApiError } from '../core/errors.ts';
import type { Actor, Change } from '../core/ports.ts';
import { isGuardViolation, isUniqueViolation } from '../lib/platform-failure.ts';
import type { Resource, Row } from './define.ts';
import { openView } from './index.ts';
import { outboxStatements, raisedAny } from './outbox.ts';
import { statementsOf } from './statements.ts';
import type { Guard } from './view.ts';

/** How often a change is tried again because another request was faster. */
const attempts = 24;

/** A condition that must hold with a change, and how the caller is told that it does not. */
export interface Limit extends Guard {
  refusal(): ApiError;
}

/**
 * Changes live data, which is no configuration: rows change at once, and what isolates remember of them is told to forget.
 * Nothing keeps two requests apart but the database: it refuses what breaks a unique value or a guard, and then the rules look
 * again, with the other's row in sight.
 */
export async function changeLive(call: Call, change: Change, actor: Actor, limit?: Limit): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await tryLive(call, change, actor, attempt, limit);
    } catch (thrown) {
      if (isGuardViolation(thrown) && limit !== undefined) {
        throw limit.refusal();
      }
      if (attempt === attempts || !(isUniqueViolation(thrown) || isGuardViolation(thrown))) {
        throw thrown;
      }
    }
  }
}

async function tryLive(call: Call, change: Change, actor: Actor, attempt: number, limit?: Limit): Promise<number> {
  const { env } = call.runtime;
  const view = openView(env, call.tenant, actor, call.runtime.now());
  if (limit !== undefined) {
    view.guard(limit);
  }
  if (change.verb === 'create') {
    // Who lost steps aside: many at once would go on meeting at the next free id.
    for (let skipped = Math.floor(Math.random() * attempt * 2); skipped > 0; skipped--) {
      await view.nextId(change.resource);
    }
  }
  const result = await view.change(change);
  const statements = statementsOf(env.DB, view);
  if (view.mutations.length > 0) {
    const events = outboxStatements(env.DB, view);
    const results = await env.DB.batch([...statements, ...events]);
    if (raisedAny(results, events)) {
      call.runtime.defer(env.EVENTS.send({ tenant: call.tenant, outbox: 'database' }));
    }
    await forget(
      call,
      view.mutations.map(({ resource, before, after }) => ({ resource, before, after })),
    );
  }
  return result.id;
}

/** Disabled users and apps lose their tokens; other changes only drop cached profiles. */
async function forget(
  call: Call,
  mutations: { resource: Resource; before: Row | undefined; after: Row }[],
): Promise<void> {
  const now = Math.floor(call.runtime.now() / 1000);
  if (mutations.some(({ resource }) => resource.name === 'firewall')) {
    await call.runtime.publishing.firewall(call.tenant);
  }
  const entries = mutations.flatMap(({ resource, before, after }) => {
    if (before === undefined || (resource.name !== 'user' && resource.name !== 'app')) {
      return [];
    }
    const password = resource.name === 'user' && before.password !== after.password;
    const disabled = before.status === 1 && after.status !== 1;
    const ends = disabled || password;
    return [
      { kind: resource.name as 'user' | 'app', id: String(after.id), before: ends ? now + 1 : 0, until: now + 400_000 },
    ];
  });
  if (entries.length > 0) {
    await call.runtime.publishing.revoke(call.tenant, entries);
  }
}
