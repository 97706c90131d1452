import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, nameField, statusField } from './define.ts';
import { checkScopes } from './scope-check.ts';

export const roles = sqliteTable(
  'role',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    name: text().notNull(),
    scopes: json().notNull(),
  },
  (table) => [uniqueActive('role_name', table, 'name')],
);

/** The scopes that a new user gets. */
export const role = defineResource({
  name: 'role',
  title: 'Role',
  description: 'The scopes that a user of this role gets at creation.',
  table: roles,
  versioned: true,
  order: { column: 'name', direction: 'asc' },
  seeded: ['Administrator', 'Backend', 'Consumer'],
  fields: {
    categoryId: {
      schema: Type.Integer({ description: 'Category of the objects that the role works with' }),
      list: true,
      initial: 1,
    },
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 64),
    scopes: { schema: Type.Array(Type.String(), { description: 'Scopes of the role' }), initial: [] },
  },
  references: (data) =>
    Array.isArray(data.scopes) ? data.scopes.map((name: string): [string, string] => ['scope', name]) : [],
  async prepare({ view, row, data }) {
    if (data.scopes !== undefined && data.scopes !== null) {
      await checkScopes(view, data.scopes);
    }
    row.scopes = row.scopes ?? [];
  },
});
