import { and, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Call } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import { type UserAccount, userById } from '../../oauth/accounts.ts';
import { contextOf } from '../../oauth/context.ts';
import { configs } from '../../resources/config.ts';
import type { Collection } from '../../resources/crud.ts';

type Entity = Record<string, unknown>;

/** The id of who calls; operations with a scope have one. */
export function callerId(call: Call): number {
  const { userId } = call.caller;
  if (userId === null) {
    throw new ApiError('missing_authorization');
  }
  return userId;
}

/** The account of who calls, read anew. */
export async function callerAccount(call: Call): Promise<UserAccount> {
  const account = await userById(contextOf(call), callerId(call));
  if (account === null || !account.active) {
    throw new ApiError('forbidden');
  }
  return account;
}

/** What consumers see of an entity. */
export function pick(entity: Entity, members: readonly string[]): Entity {
  return Object.fromEntries(members.filter((member) => member in entity).map((member) => [member, entity[member]]));
}

export async function pickAll(collection: Promise<Collection>, members: readonly string[]): Promise<Collection> {
  const found = await collection;
  return { ...found, entry: found.entry.map((entity) => pick(entity, members)) };
}

/**
 * Refuses one more of what a user may have so many of. The setting is read anew: who has just raised it is not refused.
 * Two requests at once may both pass, so a limit can be passed by one.
 */
export async function checkLimit(
  call: Call,
  setting: string,
  table: SQLiteTable,
  owned: ReturnType<typeof and>,
  noun: string,
): Promise<void> {
  const db = drizzle(call.runtime.env.DB);
  const [limits, counted] = await db.batch([
    db
      .select({ value: configs.value })
      .from(configs)
      .where(and(eq(configs.tenant_id, call.tenant), eq(configs.name, setting))),
    db.select({ count: sql<number>`count(*)` }).from(table).where(owned),
  ]);
  const limit = Number(limits[0]?.value ?? 0);
  if ((counted[0]?.count ?? 0) >= limit) {
    throw new ApiError(
      'invalid_request',
      `Maximal amount of ${noun}s reached. Please delete another ${noun} in order to register a new one`,
    );
  }
}

/** The rows of a table that belong to who calls. */
export function ownedBy(call: Call, columns: { tenant_id: SQLiteColumn; user_id: SQLiteColumn }) {
  return and(eq(columns.tenant_id, call.tenant), eq(columns.user_id, callerId(call)))!;
}
