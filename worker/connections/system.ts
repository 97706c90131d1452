import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { defineConnection } from './define.ts';

/**
 * The users' own tables: the database DATA. Configuration and logs live in other databases, which no connection reaches. A
 * tenant beside the root one has a database of its own, bound as `DATA_<tenant>`, or none.
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
    const own = (env as unknown as Record<string, unknown>)[`DATA_${tenant}`] as D1Database | undefined;
    if (own === undefined) {
      const message = `The tenant "${tenant}" has no database for tables: bind one as DATA_${tenant}`;
      throw new ApiError('not_configured', message);
    }
    return own;
  },
  async ping(client) {
    await client.prepare('SELECT 1').first();
  },
});
