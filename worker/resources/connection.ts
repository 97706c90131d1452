import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { checkConnectionConfig } from './action-classes.ts';
import { flag, identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField } from './define.ts';

export const connections = sqliteTable(
  'connection',
  {
    ...identity,
    name: text().notNull(),
    class: text().notNull(),
    oauth2: flag().notNull().default(false),
    config: json().notNull(),
    metadata: json(),
  },
  (table) => [uniqueActive('connection_name', table, 'name')],
);

/** Class + config of something on the other side; secret members are sealed before they are stored. */
export const connection = defineResource({
  name: 'connection',
  title: 'Connection',
  description: 'A class and its configuration: something that actions reach.',
  table: connections,
  versioned: true,
  seeded: ['System'],
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    class: { schema: Type.String({ description: 'Class of the connection' }), list: true, required: true },
    oauth2: {
      schema: Type.Boolean({ description: 'Whether the class uses OAuth2' }),
      readonly: true,
      hidden: true,
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
  async prepare({ view, row, before, data }) {
    row.class = row.class.replaceAll('\\', '.');
    const given = (data.config ?? row.config ?? {}) as Record<string, unknown>;
    // Secrets are write-only: one that comes back as it was shown (masked or absent) keeps its value.
    const stored = (before?.config ?? {}) as Record<string, unknown>;
    const info = checkConnectionConfig(
      row.class,
      Object.fromEntries(Object.entries(given).filter(([, value]) => value !== secretMask && !isSealed(value))),
    );
    const sealed: Record<string, unknown> = { ...given };
    for (const [member, schema] of Object.entries(info.config.properties)) {
      if ((schema as { secret?: boolean }).secret !== true) {
        continue;
      }
      const value = given[member];
      if (value === secretMask || (value === undefined && member in stored) || isSealed(value)) {
        sealed[member] = stored[member] ?? null;
      } else if (typeof value === 'string' && value !== '') {
        sealed[member] = await view.seal(value, stored[member], `connection/${row.id}/${member}`);
      }
    }
    row.config = sealed;
  },
  async extend(_rows, entities) {
    for (const entity of entities) {
      entity.config = masked(entity.config as Record<string, unknown> | undefined);
    }
  },
});

/** What a secret looks like when it is read. */
export const secretMask = '********';

function isSealed(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '$sealed' in value;
}

function masked(config: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  return config === undefined
    ? undefined
    : Object.fromEntries(
        Object.entries(config).map(([member, value]) => [member, isSealed(value) ? secretMask : value]),
      );
}
