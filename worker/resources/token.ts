import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { identity, json } from './columns.ts';
import { defineResource, type Row, statusField, toSeconds } from './define.ts';

/** Issued tokens, for lists and for revocation by id; the token itself is kept nowhere. */
export const tokens = sqliteTable(
  'token',
  {
    ...identity,
    user_id: integer().notNull(),
    app_id: integer(),
    category_id: integer().notNull().default(1),
    /** What the owner called it; null: it came with a login. */
    name: text(),
    /** Who asked for it, cut and redacted as in the log; null in rows of earlier versions. */
    user_agent: text(),
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
    index('token_date').on(table.tenant_id, table.date),
  ],
);

/** An issued token as the lists show it; it is changed by the operations that issue and end tokens only. */
export const token = defineResource({
  name: 'token',
  title: 'Token',
  description: 'An issued token; the token itself is kept nowhere.',
  table: tokens,
  versioned: false,
  unique: {},
  deleted: 2,
  verbs: [],
  categorised: false,
  fields: {
    status: { ...statusField, readonly: true },
    appId: { schema: Type.Integer({ description: 'App that it was issued to' }), hidden: true },
    userId: { schema: Type.Integer({ description: 'Owner' }), hidden: true },
    name: { schema: Type.String({ description: 'Name that the owner gave it, else the user agent' }), list: true },
    scopes: { schema: Type.Array(Type.String(), { description: 'Scopes' }), list: true },
    ip: { schema: Type.String({ description: 'Address that asked for it' }), list: true },
    expire: { schema: Type.String({ description: 'When it ends' }), list: true, show: toSeconds },
    date: { schema: Type.String({ description: 'When it was issued' }), list: true, show: toSeconds },
  },
  extend: nameAll,
  extendList: nameAll,
});

/** What people know a token by: tokens of logins are called after who asked for them. */
export function tokenName({ name, user_agent }: Record<string, unknown>): unknown {
  return name ?? (user_agent || undefined);
}

async function nameAll(rows: Row[], entities: Record<string, unknown>[]): Promise<void> {
  rows.forEach((row, position) => {
    const name = tokenName(row);
    if (name !== undefined) {
      entities[position]!.name = name;
    }
  });
}
