import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { flag, identity } from './columns.ts';

/** What users agreed to: an app may ask for tokens of the user without asking again. */
export const grants = sqliteTable(
  'app_grant',
  {
    ...identity,
    user_id: integer().notNull(),
    app_id: integer().notNull(),
    allow: flag().notNull().default(true),
    date: text().notNull(),
  },
  (table) => [index('app_grant_user').on(table.tenant_id, table.user_id, table.app_id)],
);
