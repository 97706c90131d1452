import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError, invalidAt } from '../core/errors.ts';
import { categories } from '../core/system-operation.ts';
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

/** Who has it can do everything: there is always one. */
const administrator = 'Administrator';

/** The scopes that a new user gets, and the category of the objects that he works with. */
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
  async prepare({ view, row, before, data }) {
    if (data.scopes !== undefined && data.scopes !== null) {
      await checkScopes(view, data.scopes, before?.scopes);
    }
    if (before?.name === administrator && row.name !== administrator) {
      throw new ApiError('conflict', 'The role of the administrators cannot be renamed');
    }
    const category = await view.get('category', row.category_id);
    if (category?.status !== 1) {
      throw invalidAt('/categoryId', 'Provided category does not exist', 'reference');
    }
    const authority = await view.authority();
    if (
      row.category_id !== before?.category_id &&
      authority !== null &&
      ![row.category_id, categories.default].includes(authority.categoryId)
    ) {
      throw new ApiError('forbidden', 'You cannot make a role for another category than your own');
    }
    row.scopes = row.scopes ?? [];
  },
  async remove(row) {
    if (row.name === administrator) {
      throw new ApiError('conflict', 'The role of the administrators cannot be deleted');
    }
  },
});
