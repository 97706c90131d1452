import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { invalidAt } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { app, apps } from '../../resources/app.ts';
import { changeEntity, collectionParameters, getEntity, listEntities, messageSchema } from '../../resources/crud.ts';
import { callerId, givableScopes, ownChanges, ownedBy, ownLimit, pick, pickAll } from './own.ts';

const scope = 'consumer.app';
const one = '/consumer/app/$app_id<[0-9]+|^~>';
const listed = ['id', 'userId', 'status', 'name', 'url', 'appKey', 'metadata', 'date'];
const shown = [...listed, 'appSecret', 'scopes', 'tokens'];

const body = Type.Object({
  name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  scopes: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
});

/** The own apps. */
export const consumerAppOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/app',
    description: 'Lists the own apps',
    scope,
    query: collectionParameters,
    run: async (call, { query }) => pickAll(listEntities(call, app, query, ownedBy(call, apps)), listed),
  },
  {
    name: `${scope}.create`,
    method: 'POST',
    path: '/consumer/app',
    description: 'Registers an app with a key and a secret',
    scope,
    status: 201,
    incoming: body,
    outgoing: messageSchema,
    run: create,
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: one,
    description: 'Returns an own app with its secret',
    scope,
    run: async (call, input) => pick(await getEntity(call, app, String(input.path.app_id), ownedBy(call, apps)), shown),
  },
  ...ownChanges({ resource: app, table: apps, incoming: body, dataOf, consequence: '; its tokens end' }),
];

async function create(call: Call, input: Input) {
  const approval = call.snapshot.config('app_approval') === true;
  const wanted = (input.body as { scopes?: string[] | null } | null)?.scopes ?? [];
  const own = { scopes: await validScopes(call, wanted), userId: callerId(call), status: approval ? 2 : 1 };
  const data = { ...(await dataOf(call, input)), ...own };
  const limit = ownLimit(call, 'consumer_max_apps', 'app', `status < ${app.deleted}`, 'app');
  const id = await changeEntity(call, app, { resource: 'app', verb: 'create', data }, { limit });
  return { success: true, message: 'App successfully created', id: String(id) };
}

/** Nobody gives an app what he may not do himself. */
async function dataOf(call: Call, input: Input): Promise<Record<string, unknown>> {
  const { name, url, scopes } = (input.body ?? {}) as { name?: string; url?: string; scopes?: string[] | null };
  if (scopes === undefined || scopes === null) {
    return { name, url };
  }
  return { name, url, scopes: await validScopes(call, scopes) };
}

async function validScopes(call: Call, wanted: string[]): Promise<string[]> {
  const scopes = await givableScopes(call, wanted);
  if (scopes.length === 0) {
    throw invalidAt('/scopes', 'Provide at least one valid scope for the app', 'reference');
  }
  return scopes;
}
