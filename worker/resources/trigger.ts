import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { reach } from './authority.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField, taxonomyField } from './define.ts';
import { checkAction, nameIn } from './operation-references.ts';

export const triggers = sqliteTable(
  'trigger',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    taxonomy_id: integer(),
    name: text().notNull(),
    event: text().notNull(),
    action: text().notNull(),
    metadata: json(),
  },
  (table) => [uniqueActive('trigger_name', table, 'name'), index('trigger_event').on(table.tenant_id, table.event)],
);

/** An action that runs when an event happens. */
export const trigger = defineResource({
  name: 'trigger',
  title: 'Trigger',
  description: 'An event and the action that runs when it happens.',
  table: triggers,
  versioned: true,
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    event: {
      schema: Type.String({ description: 'Name of the event', maxLength: 64 }),
      list: true,
      required: 'Event must not be empty',
    },
    action: {
      schema: Type.String({ description: 'Action that runs', maxLength: 255 }),
      list: true,
      required: 'Action must not be empty',
    },
    taxonomyId: taxonomyField,
    metadata: metadataField,
  },
  references: (data) => [
    ...(typeof data.event === 'string' ? [['event', data.event] as [string, string]] : []),
    ...(nameIn(data.action, 'action') === null ? [] : [['action', nameIn(data.action, 'action')!] as [string, string]]),
  ],
  async prepare(change) {
    const { view, row } = change;
    const event = await view.by('event', 'name', row.event);
    if (event === undefined || (await reach(view, 'shared', event)) === 'foreign') {
      const message = `Event "${row.event}" does not exist, you need to provide an existing event name as value`;
      throw invalidAt('/event', message, 'reference');
    }
    row.action = await checkAction(change, row.action);
  },
});
