import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { isEnvelope } from '../lib/seal.ts';
import { checkRole } from './authority.ts';
import { flag, identity as identityColumns, json, uniqueActive } from './columns.ts';
import { maskConfig, sealConfig, secretMask } from './connection-secrets.ts';
import { defineResource, nameField, statusField } from './define.ts';
import { identityProviders } from './identity-providers.ts';

export const identities = sqliteTable(
  'identity',
  {
    ...identityColumns,
    app_id: integer(),
    role_id: integer(),
    name: text().notNull(),
    icon: text().notNull().default(''),
    class: text().notNull(),
    config: json().notNull(),
    allow_create: flag().notNull().default(true),
  },
  (table) => [uniqueActive('identity_name', table, 'name')],
);

/** A provider at which users log in to an app; its client secret is sealed. */
export const identity = defineResource({
  name: 'identity',
  title: 'Identity',
  description: 'A provider at which users log in, and the app they log in to.',
  table: identities,
  versioned: true,
  order: { column: 'name', direction: 'asc' },
  fields: {
    appId: { schema: Type.Integer({ description: 'App that users log in to' }), list: true },
    roleId: { schema: Type.Integer({ description: 'Role of users who come for the first time' }), list: true },
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    icon: { schema: Type.String({ description: 'Name of an icon', maxLength: 64 }), list: true, initial: '' },
    class: { schema: Type.String({ description: 'Class of the provider' }), list: true, required: true },
    config: {
      schema: Type.Record(Type.String(), Type.Unknown(), {
        description: 'Configuration, as the form of the class describes it',
      }),
      initial: {},
    },
    allowCreate: { schema: Type.Boolean({ description: 'Whether unknown users get an account' }), initial: true },
  },
  async prepare({ view, row, before, data }) {
    row.class = row.class.replaceAll('\\', '.');
    row.icon ??= '';
    row.allow_create ??= true;
    const provider = identityProviders.find((known) => known.class === row.class);
    if (provider === undefined) {
      throw invalidAt('/class', 'Provided an invalid identity class');
    }
    for (const [member, resource] of [
      ['app_id', 'app'],
      ['role_id', 'role'],
    ] as const) {
      const found = row[member] === null ? undefined : await view.get(resource, row[member]);
      if (row[member] !== null && found?.status !== 1) {
        throw invalidAt(`/${resource}Id`, `Provided ${resource} does not exist`);
      }
      if (resource === 'role' && found !== undefined && found.id !== before?.role_id) {
        await checkRole(view, found);
      }
    }
    const given = (data.config ?? row.config ?? {}) as Record<string, unknown>;
    for (const [name, value] of Object.entries(given)) {
      const isUrl = name.endsWith('_uri') && typeof value === 'string' && value !== '';
      if (isUrl && !/^https?:\/\/\S+$/i.test(value)) {
        throw invalidAt(`/config/${name}`, `/config/${name} must be an url`);
      }
      if (value !== null && typeof value !== 'string' && value !== secretMask && !isEnvelope(value)) {
        throw invalidAt(`/config/${name}`, `/config/${name} must be of type string`);
      }
    }
    row.config = await sealConfig(view, row.id, new Set(['client_secret']), given, before?.config ?? {}, 'identity');
  },
  async extend(_rows, entities) {
    for (const entity of entities) {
      entity.config = maskConfig(entity.config);
    }
  },
});
