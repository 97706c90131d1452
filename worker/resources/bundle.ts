import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
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
    version: { schema: Type.String({ description: 'Version, 1.2.0', maxLength: 64 }), list: true, required: true },
    icon: { schema: Type.String({ description: 'Name of an icon', maxLength: 64 }), list: true, initial: '' },
    summary: { schema: Type.String({ description: 'One sentence', maxLength: 255 }), list: true, initial: '' },
    description: { schema: Type.String({ description: 'The whole story', maxLength: 65_535 }), initial: '' },
    cost: { schema: Type.Integer({ description: 'Price in points', minimum: 0, maximum: 1e12 }), initial: 0 },
    config: {
      schema: Type.Record(Type.String(), Type.Array(Type.Union([Type.String(), Type.Integer()])), {
        description: 'Ids by kind: actions, schemas, events, cronjobs, triggers',
      }),
      initial: {},
    },
    metadata: metadataField,
  },
  async prepare({ view, row, data }) {
    row.icon ??= '';
    row.summary ??= '';
    row.description ??= '';
    row.config ??= {};
    if (!/^[0-9]+\.[0-9]+\.[0-9]+$/.test(row.version)) {
      throw invalid('version', 'Invalid version, must be in the format x.x.x');
    }
    for (const [member, ids] of Object.entries((data.config ?? {}) as Record<string, (string | number)[]>)) {
      const resource = contents[member];
      if (resource === undefined) {
        throw invalid(`config/${member}`, `A bundle has no ${member}`);
      }
      for (const id of ids) {
        const found = await view.get(resource, Number(id));
        if (found === undefined || found.status === 0) {
          throw invalid(`config/${member}`, `Provided ${resource} ${id} does not exist`);
        }
      }
    }
  },
});

function invalid(member: string, message: string): ApiError {
  return new ApiError('invalid_body', message, { errors: [{ pointer: `/${member}`, rule: 'value', message }] });
}
