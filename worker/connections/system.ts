import { Type } from 'typebox';
import { defineConnection } from './define.ts';

/** The users' own tables: the database DATA. Configuration and logs live in other databases, which no connection reaches. */
export const system = defineConnection<D1Database>({
  class: 'Fusio.Impl.Connection.System',
  name: 'System',
  description: 'The database for tables of your own, ready to use.',
  internal: true,
  config: Type.Object({}),
  async open(_config, { env }) {
    return env.DATA;
  },
  async ping(client) {
    await client.prepare('SELECT 1').first();
  },
});
