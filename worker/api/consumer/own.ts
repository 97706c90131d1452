import { and, eq, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Call } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import { scopesOfUser, type UserAccount, userById } from '../../oauth/accounts.ts';
import { contextOf } from '../../oauth/context.ts';
import { givable } from '../../resources/authority.ts';
import { type Collection, changeEntity, findRow } from '../../resources/crud.ts';
import type { Resource } from '../../resources/define.ts';
import type { Limit } from '../../resources/live.ts';

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
 * At most so many as the setting says, of the rows of `table` that are the caller's and meet `counted`: checked by the very
 * write, so that requests at the same moment cannot pass it together.
 */
export function ownLimit(call: Call, setting: string, table: string, counted: string, noun: string): Limit {
  return {
    condition: `(SELECT count(*) FROM "${table}" WHERE tenant_id = ? AND user_id = ? AND ${counted})
      <= (SELECT CAST(value AS INTEGER) FROM config WHERE tenant_id = ? AND name = ? AND status = 1)`,
    values: [call.tenant, callerId(call), call.tenant, setting],
    refusal: () =>
      new ApiError(
        'invalid_request',
        `Maximal amount of ${noun}s reached. Please delete another ${noun} in order to register a new one`,
      ),
  };
}

/** The scopes that the caller may give to own apps and tokens, of those `wanted`; null: all that he may. */
export async function givableScopes(call: Call, wanted: readonly string[] | null): Promise<string[]> {
  const held = await scopesOfUser(contextOf(call), await callerAccount(call));
  const allowed = givable(held, call.caller.scopes);
  return wanted === null ? allowed : wanted.filter((scope) => allowed.includes(scope));
}

/** Updates one of the caller's own objects, or deletes it where there is no `data`. Throws 404 for somebody else's. */
export async function changeOwn(
  call: Call,
  resource: Resource,
  key: string,
  owned: SQL,
  data: Record<string, unknown> | undefined,
) {
  const row = await findRow(call, resource, key, owned);
  const verb = data === undefined ? 'delete' : 'update';
  await changeEntity(call, resource, { resource: resource.name, verb, key: String(row.id), data });
  return { success: true, message: `${resource.title} successfully ${verb}d`, id: String(row.id) };
}

/** The rows of a table that belong to who calls. */
export function ownedBy(call: Call, columns: { tenant_id: SQLiteColumn; user_id: SQLiteColumn }) {
  return and(eq(columns.tenant_id, call.tenant), eq(columns.user_id, callerId(call)))!;
}
