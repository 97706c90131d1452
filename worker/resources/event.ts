import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField, taxonomyField } from './define.ts';
import { checkSchema } from './operation-references.ts';
import { systemEvents } from './system-events.ts';

export const events = sqliteTable(
  'event',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    taxonomy_id: integer(),
    name: text().notNull(),
    description: text().notNull().default(''),
    schema: text(),
    metadata: json(),
  },
  (table) => [uniqueActive('event_name', table, 'name')],
);

/** Something that can happen: webhooks and triggers wait for it by name. */
export const event = defineResource({
  name: 'event',
  title: 'Event',
  description: 'Something that happens and that webhooks and triggers wait for.',
  table: events,
  versioned: true,
  order: { column: 'name', direction: 'asc' },
  seeded: systemEvents,
  categorised: 'shared',
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_.-', 3, 64),
    description: { schema: Type.String({ description: 'When it happens', maxLength: 255 }), list: true, initial: '' },
    schema: { schema: Type.String({ description: 'Schema of the payload', maxLength: 255 }) },
    taxonomyId: taxonomyField,
    metadata: metadataField,
  },
  async prepare(change) {
    const { row } = change;
    row.description ??= '';
    row.schema = await checkSchema(change, 'schema', row.schema);
  },
});
