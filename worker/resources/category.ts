import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { ApiError } from '../core/errors.ts';
import { categories as seededCategories } from '../core/system-operation.ts';
import { identity, uniqueActive } from './columns.ts';
import { defineResource, nameField, statusField } from './define.ts';

export const categories = sqliteTable('category', { ...identity, name: text().notNull() }, (table) => [
  uniqueActive('category_name', table, 'name'),
]);

/** What an object is for; whoever has a role works with the objects of the role's category. */
export const category = defineResource({
  name: 'category',
  title: 'Category',
  description: 'A part of the installation: default for the API product, the others for the platform itself.',
  table: categories,
  versioned: false,
  order: { column: 'name', direction: 'asc' },
  seeded: Object.keys(seededCategories),
  common: Object.values(seededCategories),
  fields: { status: statusField, name: nameField('a-zA-Z0-9_-', 3, 255) },
  async prepare({ before }) {
    refuseSeeded(before);
  },
  async remove(row) {
    refuseSeeded(row);
  },
});

/** The platform tells its own operations and scopes by the ids of the first five. */
function refuseSeeded(row: { id: number } | undefined): void {
  if (row !== undefined && (Object.values(seededCategories) as number[]).includes(row.id)) {
    throw new ApiError('invalid_body', 'It is not possible to change this category');
  }
}
