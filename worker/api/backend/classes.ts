import { and, asc, eq, gt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { classList as classesOf, type FormOption, type FormSources, formOf } from '../../actions/form.ts';
import { actionType, actionTypes } from '../../actions/index.ts';
import { connectionType, connectionTypes } from '../../connections/index.ts';
import type { Call } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { actions } from '../../resources/action.ts';
import { connections } from '../../resources/connection.ts';

/** `GET /backend/action/list`: the classes that an action or a connection can have, by title. */
export function classList(kind: 'action' | 'connection'): SystemOperation {
  return {
    name: `backend.${kind}.getClasses`,
    method: 'GET',
    path: `/backend/${kind}/list`,
    description: `Lists the classes of ${kind}s`,
    scope: `backend.${kind}`,
    run: async () => ({ [`${kind}s`]: classesOf(kind === 'action' ? actionTypes : connectionTypes) }),
  };
}

/** `GET /backend/action/form?class=`: the form of a class's configuration. */
export function classForm(kind: 'action' | 'connection'): SystemOperation {
  return {
    name: `backend.${kind}.getForm`,
    method: 'GET',
    path: `/backend/${kind}/form`,
    description: `Returns the configuration form of a class of ${kind}s`,
    scope: `backend.${kind}`,
    query: { class: { type: 'string', description: 'Class name' } },
    async run(call, input) {
      const name = String(input.query.class ?? '');
      const type = kind === 'action' ? actionType(name) : connectionType(name);
      if (type === undefined) {
        const message = `The ${kind} class "${name}" does not exist`;
        throw new ApiError('not_found', message, { errors: [{ pointer: '/query/class', rule: 'enum', message }] });
      }
      return formOf(type.config, kind === 'action' ? await formSources(call) : {});
    },
  };
}

/** The connections that a generator can use, by id as Fusio's screens send it. */
export async function connectionOptions(call: Call): Promise<FormOption[]> {
  const rows = await drizzle(call.runtime.env.DB)
    .select({ id: connections.id, name: connections.name })
    .from(connections)
    .where(and(eq(connections.tenant_id, call.tenant), gt(connections.status, 0)))
    .orderBy(asc(connections.name));
  return rows.map(({ id, name }) => ({ key: String(id), value: name }));
}

/** What the select fields of actions offer. */
async function formSources(call: Call): Promise<FormSources> {
  const db = drizzle(call.runtime.env.DB);
  const names = async (table: typeof connections | typeof actions) => {
    const rows = await db
      .select({ name: table.name })
      .from(table)
      .where(and(eq(table.tenant_id, call.tenant), gt(table.status, 0)))
      .orderBy(asc(table.name));
    return rows.map(({ name }) => ({ key: name, value: name }));
  };
  const [connectionNames, actionNames] = await Promise.all([names(connections), names(actions)]);
  return { connections: connectionNames, actions: actionNames };
}
