import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { checkActionConfig } from './action-classes.ts';
import { flag, identity, json, uniqueActive } from './columns.ts';
import { commitIfChanged } from './commit.ts';
import { defineResource, metadataField, nameField, statusField, taxonomyField, toSeconds } from './define.ts';

export const actions = sqliteTable(
  'action',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    taxonomy_id: integer(),
    name: text().notNull(),
    class: text().notNull(),
    async: flag().notNull().default(false),
    config: json().notNull(),
    metadata: json(),
    date: text().notNull(),
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
    class: {
      schema: Type.String({ description: 'Class of the action' }),
      list: true,
      required: 'Action class must not be empty',
    },
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
    taxonomyId: taxonomyField,
    metadata: metadataField,
    date: { schema: Type.String({ description: 'When the action was created' }), list: true, readonly: true },
  },
  async prepare(change) {
    const { view, row, before } = change;
    row.date = before?.date ?? toSeconds(new Date(view.now).toISOString());
    row.class = row.class.replaceAll('\\', '.');
    row.config = row.config ?? {};
    checkActionConfig(row.class, row.config);
    await commitIfChanged(change, 'action', row.config);
  },
});
