import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { canonicalAddress } from '../lib/client-address.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField } from './define.ts';

export const firewalls = sqliteTable(
  'firewall',
  {
    ...identity,
    name: text().notNull(),
    type: integer().notNull(),
    /** As it was written; compared in canonical form. */
    ip: text().notNull(),
    expire: text(),
    metadata: json(),
  },
  (table) => [uniqueActive('firewall_name', table, 'name')],
);

/** A rule about an address. Rules are kept; nothing enforces them yet. */
export const firewall = defineResource({
  name: 'firewall',
  title: 'Firewall',
  description: 'A rule about one address. Rules are kept, and not enforced yet.',
  table: firewalls,
  versioned: false,
  order: { column: 'name', direction: 'asc' },
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_.-', 3, 64),
    type: { schema: Type.Integer({ description: '0 deny, 1 allow', minimum: 0, maximum: 1 }), list: true, initial: 0 },
    ip: { schema: Type.String({ description: 'IPv4 or IPv6 address', maxLength: 45 }), list: true, required: true },
    expire: {
      schema: Type.String({
        description: 'Until when the rule counts, ISO 8601',
        format: 'date-time',
        pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$',
      }),
      list: true,
    },
    metadata: metadataField,
  },
  async prepare({ row }) {
    const address = String(row.ip);
    if (/[%[\]]/.test(address) || canonicalAddress(address) === null) {
      const message = 'Invalid IP address';
      throw new ApiError('invalid_body', message, { errors: [{ pointer: '/ip', rule: 'format', message }] });
    }
  },
});
