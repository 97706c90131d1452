import { and, eq, sql } from 'drizzle-orm';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { app } from '../../resources/app.ts';
import { audit } from '../../resources/audit.ts';
import { findRow, getEntity } from '../../resources/crud.ts';
import type { Resource } from '../../resources/define.ts';
import { audits } from '../../resources/tables.ts';
import { user } from '../../resources/user.ts';
import { datedParameters, listDated } from './dated-list.ts';

const scope = 'backend.audit';

/** The trail of changes. */
export const auditOperations: readonly SystemOperation[] = [
  {
    name: 'backend.audit.getAll',
    method: 'GET',
    path: '/backend/audit',
    description: 'Lists changes, newest first',
    scope,
    query: {
      ...datedParameters,
      appId: { type: 'integer', description: 'Made with this app' },
      userId: { type: 'integer', description: 'Made by this user' },
      event: { type: 'string', description: 'A part of the event' },
      ip: { type: 'string', description: 'From this address' },
      message: { type: 'string', description: 'A part of the message' },
    },
    run: list,
  },
  {
    name: 'backend.audit.get',
    method: 'GET',
    path: '/backend/audit/$audit_id<[0-9]+>',
    description: 'Returns one change',
    scope,
    run: get,
  },
];

function list(call: Call, { query }: Input) {
  const has = (column: typeof audits.event, text: unknown) =>
    text === undefined ? undefined : sql`instr(lower(${column}), lower(${String(text)})) > 0`;
  const condition = and(
    query.appId === undefined ? undefined : eq(audits.app_id, Number(query.appId)),
    query.userId === undefined ? undefined : eq(audits.user_id, Number(query.userId)),
    has(audits.event, query.event),
    query.ip === undefined ? undefined : eq(audits.ip, String(query.ip)),
    has(audits.message as unknown as typeof audits.event, query.message),
  );
  return listDated(call, audit, audits.date, query, condition);
}

async function get(call: Call, input: Input) {
  const key = String(input.path.audit_id);
  const [row, entity] = await Promise.all([findRow(call, audit, key), getEntity(call, audit, key)]);
  const [madeWith, madeBy] = await Promise.all([
    named(call, app, row.app_id, ['id', 'status', 'name']),
    named(call, user, row.user_id, ['id', 'status', 'name']),
  ]);
  return { ...entity, ...(madeWith && { app: madeWith }), ...(madeBy && { user: madeBy }) };
}

/** Who it was, in short; undefined when there is nobody of that id any more. */
async function named(call: Call, resource: Resource, id: number | null, members: string[]) {
  if (id === null) {
    return undefined;
  }
  try {
    const row = await findRow(call, resource, String(id));
    return Object.fromEntries(members.map((member) => [member, row[member]]));
  } catch (thrown) {
    if (thrown instanceof ApiError && (thrown.status === 404 || thrown.status === 410)) {
      return undefined;
    }
    throw thrown;
  }
}
