import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { checkActionConfig } from './action-classes.ts';
import { flag, identity, json, uniqueActive } from './columns.ts';
import { commitIfChanged } from './commit.ts';
import { defineResource, metadataField, nameField, statusField } from './define.ts';

export const actions = sqliteTable(
  'action',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    name: text().notNull(),
    class: text().notNull(),
    async: flag().notNull().default(false),
    config: json().notNull(),
    metadata: json(),
  },
  (table) => [uniqueActive('action_name', table, 'name')],
);

/** Class + config: what answers an operation. */
export const action = defineResource({
  name: 'action',
  title: 'Action',
  description: 'A class and its configuration: the logic behind operations and cronjobs.',
  table: actions,
  versioned: true,
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    class: { schema: Type.String({ description: 'Class of the action' }), list: true, required: true },
    async: {
      schema: Type.Boolean({ description: 'Answer 202 and run in the background' }),
      list: true,
      initial: false,
    },
    config: {
      schema: Type.Record(Type.String(), Type.Unknown(), {
        description: 'Configuration, as the form of the class describes it',
      }),
      initial: {},
    },
    metadata: metadataField,
  },
  async prepare(change) {
    const { row } = change;
    row.class = row.class.replaceAll('\\', '.');
    row.config = row.config ?? {};
    checkActionConfig(row.class, row.config);
    await commitIfChanged(change, 'action', row.config);
  },
});
