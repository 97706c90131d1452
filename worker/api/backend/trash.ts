import { and, asc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError, invalidAt } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { visibleTo } from '../../resources/authority-read.ts';
import { changeEntity, collectionParameters, messageSchema } from '../../resources/crud.ts';
import type { Resource, Row } from '../../resources/define.ts';
import { resources } from '../../resources/index.ts';

/** What can be brought back, as Fusio lists it. */
const types = [
  ...['action', 'app', 'connection', 'cronjob', 'event', 'page', 'plan', 'rate', 'role', 'operation', 'schema'],
  ...['scope', 'user'],
];

const scope = 'backend.trash';

/** What was deleted, and its way back. */
export const trashOperations: readonly SystemOperation[] = [
  {
    name: 'backend.trash.getTypes',
    method: 'GET',
    path: '/backend/trash',
    description: 'Lists the types whose deleted objects can be restored',
    scope,
    run: async () => ({ types }),
  },
  {
    name: 'backend.trash.getAllByType',
    method: 'GET',
    path: '/backend/trash/:type',
    description: 'Lists the deleted objects of a type',
    scope,
    query: collectionParameters,
    run: listDeleted,
  },
  {
    name: 'backend.trash.restore',
    method: 'POST',
    path: '/backend/trash/:type',
    description: 'Restores a deleted object',
    scope,
    incoming: Type.Object({
      id: Type.Optional(Type.Union([Type.Integer({ description: 'Id of the object' }), Type.Null()])),
    }),
    outgoing: messageSchema,
    run: restore,
  },
];

function resourceOf(input: Input): Resource {
  const type = String(input.path.type);
  const resource = types.includes(type) ? resources.get(type) : undefined;
  if (resource === undefined) {
    throw new ApiError('invalid_request', 'Provided an invalid type');
  }
  return resource;
}

async function listDeleted(call: Call, input: Input) {
  const resource = resourceOf(input);
  const columns = getTableColumns(resource.table) as Record<string, any>;
  const name = columns[resource.named];
  const { startIndex = 0, count = 16, search = '' } = input.query as Record<string, any>;
  const condition: SQL = and(
    eq(columns.tenant_id, call.tenant),
    eq(columns.status, resource.deleted),
    visibleTo(call, resource),
    search === '' ? undefined : sql`instr(lower(${name}), lower(${search})) > 0`,
  )!;
  const db = drizzle(call.runtime.env.DB);
  const [counted, rows] = await db.batch([
    db.select({ count: sql<number>`count(*)` }).from(resource.table).where(condition),
    db.select().from(resource.table).where(condition).orderBy(asc(columns.id)).limit(count).offset(startIndex),
  ]);
  const entry = (rows as Row[]).map((row) => ({ id: row.id, status: row.status, name: row[resource.named] }));
  return { totalResults: counted[0]?.count ?? 0, startIndex, itemsPerPage: count, entry };
}

async function restore(call: Call, input: Input) {
  const resource = resourceOf(input);
  const { id } = (input.body ?? {}) as { id?: number | null };
  if (id === undefined || id === null) {
    throw invalidAt('/id', 'No id to restore provided', 'required');
  }
  await changeEntity(call, resource, { resource: resource.name, verb: 'restore', key: String(id) });
  return { success: true, message: 'Restore successful' };
}
