import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField } from './define.ts';

export const bundles = sqliteTable(
  'bundle',
  {
    ...identity,
    name: text().notNull(),
    version: text().notNull(),
    icon: text().notNull().default(''),
    summary: text().notNull().default(''),
    description: text().notNull().default(''),
    cost: integer().notNull().default(0),
    config: json().notNull(),
    metadata: json(),
  },
  (table) => [uniqueActive('bundle_name', table, 'name')],
);

/** What a bundle may hold: member of its configuration → resource. */
const contents: Record<string, string> = {
  actions: 'action',
  schemas: 'schema',
  events: 'event',
  cronjobs: 'cronjob',
  triggers: 'trigger',
};

/** Actions, schemas, events, cronjobs and triggers that belong together, to be handed to others. */
export const bundle = defineResource({
  name: 'bundle',
  title: 'Bundle',
  description: 'Objects that belong together, with what others need to know of them.',
  table: bundles,
  versioned: false,
  order: { column: 'name', direction: 'asc' },
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    config: {
      schema: Type.Record(Type.String(), Type.Array(Type.Union([Type.String(), Type.Integer()])), {
        description: 'Ids by kind: actions, schemas, events, cronjobs, triggers',
      }),
      required: 'Bundle config must not be empty',
    },
    version: {
      schema: Type.String({ description: 'Version, 1.2.0', maxLength: 64 }),
      list: true,
      required: 'Provided no bundle version',
    },
    icon: { schema: Type.String({ description: 'Name of an icon', maxLength: 64 }), list: true, initial: '' },
    summary: { schema: Type.String({ description: 'One sentence', maxLength: 255 }), list: true, initial: '' },
    description: { schema: Type.String({ description: 'The whole story', maxLength: 65_535 }), initial: '' },
    cost: { schema: Type.Integer({ description: 'Price in points', minimum: 0, maximum: 1e12 }), initial: 0 },
    metadata: metadataField,
  },
  async prepare({ view, row, data }) {
    if (Object.values(row.config).every((ids) => (ids as unknown[]).length === 0)) {
      throw invalidAt('/config', 'Bundle config must have at least one entry');
    }
    row.icon ??= '';
    row.summary ??= '';
    row.description ??= '';
    if (!/^[0-9]+\.[0-9]+\.[0-9]+$/.test(row.version)) {
      throw invalidAt('/version', 'Invalid version, must be in the format x.x.x');
    }
    for (const [member, ids] of Object.entries((data.config ?? {}) as Record<string, (string | number)[]>)) {
      const resource = contents[member];
      if (resource === undefined) {
        throw invalidAt(
          `/config/${member}`,
          `Provided an invalid config key ${member} must be one of: ${Object.keys(contents).join(', ')}`,
        );
      }
      for (const id of ids) {
        const found = await view.get(resource, Number(id));
        if (found === undefined || found.status === 0) {
          throw invalidAt(`/config/${member}`, `Provided ${resource} ${id} does not exist`);
        }
      }
    }
  },
});
