import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField } from './define.ts';

export const forms = sqliteTable(
  'form',
  {
    ...identity,
    name: text().notNull(),
    operation_id: integer().notNull(),
    ui_schema: json(),
    metadata: json(),
  },
  (table) => [uniqueActive('form_name', table, 'name')],
);

/** How the payload of an operation is drawn for people. */
export const form = defineResource({
  name: 'form',
  title: 'Form',
  description: 'An operation and how the form of its payload is drawn.',
  table: forms,
  versioned: false,
  order: { column: 'name', direction: 'asc' },
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_.-', 3, 64),
    operationId: {
      schema: Type.Integer({ description: 'Operation that takes what is filled in' }),
      list: true,
      required: 'Form operation id must not be empty',
    },
    uiSchema: { schema: Type.Record(Type.String(), Type.Unknown(), { description: 'Hints for the form' }) },
    metadata: metadataField,
  },
  async prepare({ view, row }) {
    const operation = await view.get('operation', row.operation_id);
    if (operation === undefined || operation.status !== 1) {
      throw invalidAt('/operationId', 'Provided operation id does not exist', 'reference');
    }
  },
});
