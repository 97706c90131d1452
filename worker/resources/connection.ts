import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { isEnvelope } from '../lib/seal.ts';
import { checkConnectionConfig } from './action-classes.ts';
import { flag, identity, json, uniqueActive } from './columns.ts';
import { maskConfig, sealConfig, secretMask } from './connection-secrets.ts';
import { defineResource, metadataField, nameField, statusField } from './define.ts';

export const connections = sqliteTable(
  'connection',
  {
    ...identity,
    category_id: integer().notNull().default(1),
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
  filters: { class: 'Only those of this class' },
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    class: {
      schema: Type.String({ description: 'Class of the connection' }),
      list: true,
      required: 'Connection class must not be empty',
    },
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
    // What is masked or sealed is not judged anew: it was valid when it came.
    const shown = Object.entries(given).filter(([, value]) => value !== secretMask && !isEnvelope(value));
    const info = checkConnectionConfig(row.class, withoutEnvelopes(Object.fromEntries(shown)));
    const secret = Object.entries(info.config.properties).filter(
      ([, schema]) => (schema as { secret?: boolean }).secret,
    );
    row.config = await sealConfig(view, row.id, new Set(secret.map(([member]) => member)), given, before?.config ?? {});
  },
  async extend(_rows, entities) {
    for (const entity of entities) {
      entity.config = maskConfig(entity.config);
    }
  },
});

function withoutEnvelopes(config: Record<string, unknown>): Record<string, unknown> {
  return maskConfig(config) as Record<string, unknown>;
}
