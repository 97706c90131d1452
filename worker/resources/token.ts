import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { identity, json } from './columns.ts';

/** Issued tokens, for lists and for revocation by id; the token itself is kept nowhere. */
export const tokens = sqliteTable(
  'token',
  {
    ...identity,
    user_id: integer().notNull(),
    app_id: integer(),
    category_id: integer().notNull().default(1),
    name: text(),
    /** `jti` of the access token. */
    jti: text().notNull(),
    /** Refresh token family; null when there is none. */
    family: text(),
    scopes: json().notNull(),
    ip: text().notNull().default(''),
    /** ISO 8601. */
    expire: text().notNull(),
    date: text().notNull(),
  },
  (table) => [
    uniqueIndex('token_jti').on(table.jti),
    index('token_user').on(table.tenant_id, table.user_id, table.status),
    index('token_app').on(table.tenant_id, table.app_id, table.status),
    index('token_family').on(table.tenant_id, table.family),
  ],
);
