import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError, invalidAt } from '../../core/errors.ts';
import type { Change, ChangeResult } from '../../core/ports.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { hostName, tenantKey } from '../../core/tenant.ts';
import { actorOf, collectionParameters, getEntity, listEntities } from '../../resources/crud.ts';
import { roles } from '../../resources/role.ts';
import { tenant } from '../../resources/tenant.ts';
import { users } from '../../resources/user.ts';
import { currentSnapshot } from '../../snapshot/current.ts';
import { administrated, makeAdministrator, setupTokenOf } from '../system/setup.ts';

const scope = 'backend.tenant';
const path = '/backend/tenant/:tenant_id';

const shape = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  hosts: tenant.fields.hosts!.schema,
  insertDate: tenant.fields.insertDate!.schema,
});

/** Tenants beside the root one, which only the root tenant's administrators set up and remove. */
export const tenantOperations: readonly SystemOperation[] = [
  {
    name: 'backend.tenant.getAll',
    method: 'GET',
    path: '/backend/tenant',
    description: 'Lists the tenants and the host names that choose them',
    scope,
    query: collectionParameters,
    outgoing: Type.Object({
      totalResults: Type.Integer(),
      startIndex: Type.Integer(),
      itemsPerPage: Type.Integer(),
      entry: Type.Array(shape),
    }),
    async run(call, input) {
      refuseElsewhere(call);
      return listEntities(call, tenant, input.query);
    },
  },
  {
    name: 'backend.tenant.get',
    method: 'GET',
    path,
    description: 'Returns a tenant by its name',
    scope,
    outgoing: shape,
    async run(call, input) {
      refuseElsewhere(call);
      return getEntity(call, tenant, `~${input.path.tenant_id}`);
    },
  },
  {
    name: 'backend.tenant.setup',
    method: 'PUT',
    path,
    description: 'Sets a tenant up with everything that an installation begins with, or changes its host names',
    scope,
    incoming: Type.Object({
      hosts: Type.Optional(tenant.fields.hosts!.schema),
      user: Type.Optional(
        Type.Object(
          { name: Type.String(), email: Type.String(), password: Type.String() },
          { description: 'The first administrator; without one, the setup token makes it at one of the hosts' },
        ),
      ),
    }),
    outgoing: Type.Object({
      success: Type.Boolean(),
      message: Type.String(),
      id: Type.String(),
      setupToken: Type.Optional(
        Type.String({ description: 'For `postern setup` at one of the hosts, as long as there is no administrator' }),
      ),
    }),
    run: setUp,
  },
  {
    name: 'backend.tenant.remove',
    method: 'DELETE',
    path,
    description: 'Removes a tenant: its hosts answer 410 from now on, and everything that it had is deleted',
    scope,
    outgoing: Type.Object({ success: Type.Boolean(), message: Type.String(), id: Type.String() }),
    async run(call, input) {
      await refuseOthers(call);
      const { id } = await publish(call, {
        resource: 'tenant',
        verb: 'delete',
        key: `~${input.path.tenant_id}`,
      });
      return { success: true, message: 'Tenant successfully removed', id: String(id) };
    },
  },
];

interface SetUp {
  hosts?: string[];
  user?: { name: string; email: string; password: string };
}

/** Safe to repeat: what failed halfway is completed. */
async function setUp(call: Call, input: Input) {
  await refuseOthers(call);
  const { hosts, user } = (input.body ?? {}) as SetUp;
  refuseOwnHost(call, hosts ?? []);
  const data = { name: String(input.path.tenant_id), ...(hosts === undefined ? {} : { hosts }) };
  const { id, name, verb } = await publish(call, { resource: 'tenant', verb: 'put', data });
  const { env, now } = call.runtime;
  const key = tenantKey({ id, name });
  // Whoever asks for the configuration of a tenant that has none gives it the seeded one.
  await currentSnapshot({ ...call.runtime, tenant: key, now: now() });
  const done = { success: true, message: `Tenant successfully ${verb === 'create' ? 'set up' : 'updated'}` };
  if (user !== undefined) {
    await makeAdministrator(env, key, user, now());
    return { ...done, id: String(id) };
  }
  const open = !(await administrated(env, key));
  return { ...done, id: String(id), ...(open ? { setupToken: setupTokenOf(env, key) } : {}) };
}

async function publish(call: Call, change: Change): Promise<ChangeResult> {
  const { head, results } = await call.runtime.publishing.commit({
    tenant: call.tenant,
    changes: [change],
    actor: actorOf(call),
  });
  call.headers.set('X-Config-Revision', String(head.revision));
  return results[0]!;
}

function refuseElsewhere(call: Call): void {
  if (call.tenant !== '') {
    throw new ApiError('forbidden', 'Tenants are managed at the root tenant');
  }
}

async function refuseOthers(call: Call): Promise<void> {
  refuseElsewhere(call);
  const [row] = await drizzle(call.runtime.env.DB)
    .select({ role: roles.name })
    .from(users)
    .innerJoin(roles, and(eq(roles.id, users.role_id), eq(roles.tenant_id, users.tenant_id)))
    .where(and(eq(users.tenant_id, ''), eq(users.id, call.caller.userId ?? 0), eq(users.status, 1)));
  if (row?.role !== 'Administrator') {
    throw new ApiError('forbidden', 'Only administrators set tenants up and remove them');
  }
}

/** Where the root tenant is reached by whoever manages tenants, it stays: else nobody could take the host back. */
function refuseOwnHost(call: Call, hosts: readonly string[]): void {
  const { PUBLIC_URL } = call.runtime.env;
  const own = [`http://${call.url.host}`, ...(PUBLIC_URL ? [PUBLIC_URL] : [])].map((url) => hostName(new URL(url)));
  const position = hosts.findIndex((host) => own.includes(hostName(URL.parse(`http://${host}/`) ?? { host: '' })));
  if (position !== -1) {
    throw invalidAt(`/hosts/${position}`, `The host "${hosts[position]}" is where this installation itself is`, 'host');
  }
}
