import { and, eq } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { TSchema } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { scopesOfUser, type UserAccount, userById } from '../../oauth/accounts.ts';
import { contextOf } from '../../oauth/context.ts';
import { givable } from '../../resources/authority.ts';
import { type Collection, changeEntity, findRow, messageSchema } from '../../resources/crud.ts';
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

interface OwnKind {
  resource: Resource;
  table: Parameters<typeof ownedBy>[1];
  /** What an update takes, and how its body becomes data of the resource. */
  incoming: TSchema;
  dataOf(call: Call, input: Input): Promise<Record<string, unknown>>;
  /** What a deletion brings about: `; its tokens end`. */
  consequence?: string;
}

/** How consumers change their own objects and delete them; somebody else's are 404. */
export function ownChanges({ resource, table, incoming, dataOf, consequence = '' }: OwnKind): SystemOperation[] {
  const { name, title } = resource;
  const scope = `consumer.${name}`;
  const path = `/consumer/${name}/$${name}_id<[0-9]+|^~>`;
  const change = async (call: Call, input: Input, verb: 'update' | 'delete') => {
    const data = verb === 'update' ? await dataOf(call, input) : undefined;
    const row = await findRow(call, resource, String(input.path[`${name}_id`]), ownedBy(call, table));
    await changeEntity(call, resource, { resource: name, verb, key: String(row.id), data });
    return { success: true, message: `${title} successfully ${verb}d`, id: String(row.id) };
  };
  const shared = { path, scope, outgoing: messageSchema };
  return [
    {
      ...shared,
      name: `${scope}.update`,
      method: 'PUT',
      description: `Changes an own ${name}`,
      incoming,
      run: (call, input) => change(call, input, 'update'),
    },
    {
      ...shared,
      name: `${scope}.delete`,
      method: 'DELETE',
      description: `Deletes an own ${name}${consequence}`,
      run: (call, input) => change(call, input, 'delete'),
    },
  ];
}

/** The rows of a table that belong to who calls. */
export function ownedBy(call: Call, columns: { tenant_id: SQLiteColumn; user_id: SQLiteColumn }) {
  return and(eq(columns.tenant_id, call.tenant), eq(columns.user_id, callerId(call)))!;
}
