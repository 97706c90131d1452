import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { tenantName } from '../core/tenant.ts';
import { defineConnection } from './define.ts';

/**
 * The users' own tables: the database DATA. Configuration and logs live in other databases, which no connection reaches. A
 * tenant beside the root one has a database of its own, bound as `DATA_<name>`, or none.
 */
export const system = defineConnection<D1Database>({
  class: 'Fusio.Impl.Connection.System',
  name: 'System',
  description: 'The database for tables of your own, ready to use.',
  internal: true,
  config: Type.Object({}),
  async open(_config, { env, tenant }) {
    if (tenant === '') {
      return env.DATA;
    }
    const name = tenantName(tenant);
    const own = (env as unknown as Record<string, unknown>)[`DATA_${name}`] as D1Database | undefined;
    if (own === undefined) {
      const message = `The tenant "${name}" has no database for tables: bind one as DATA_${name}`;
      throw new ApiError('not_configured', message);
    }
    return own;
  },
  async ping(client) {
    await client.prepare('SELECT 1').first();
  },
});
