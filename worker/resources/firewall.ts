import { eq } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError, invalidAt } from '../core/errors.ts';
import { Firewall, type FirewallRule, forever, targetKey } from '../lib/firewall.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, type Row, statusField } from './define.ts';
import type { View } from './view.ts';

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

/** A row as isolates enforce it; null for one that names nothing. */
export function ruleOf(row: { type: number; ip: string; expire: string | null }): FirewallRule | null {
  const target = targetKey(row.ip);
  const until = row.expire === null ? forever : Math.floor(Date.parse(row.expire) / 1000);
  return target === null ? null : { type: row.type === 1 ? 'allow' : 'deny', target, until };
}

/** A rule about who may call at all. Rules that allow go before rules that deny; callers of the machine itself are never denied. */
export const firewall = defineResource({
  name: 'firewall',
  title: 'Firewall',
  description: 'A rule about an address, a network, a country or an autonomous system: whether it may call at all.',
  table: firewalls,
  versioned: false,
  order: { column: 'name', direction: 'asc' },
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_.-', 3, 64),
    type: {
      schema: Type.Integer({ description: '0 deny, 1 allow, which goes before', minimum: 0, maximum: 1 }),
      list: true,
      initial: 0,
    },
    ip: {
      schema: Type.String({
        description:
          'IPv4 or IPv6 address, network (203.0.113.0/24), country (country:DE) or autonomous system (AS64500)',
        maxLength: 64,
      }),
      list: true,
      required: 'Firewall IP must not be empty',
    },
    expire: {
      schema: Type.String({
        description: 'Until when the rule counts, ISO 8601',
        format: 'date-time',
        pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$',
      }),
      list: true,
    },
    confirm: {
      schema: Type.Boolean({ description: 'Not kept: the rule shall hold although it shuts out who writes it' }),
      virtual: true,
      hidden: true,
    },
    metadata: metadataField,
  },
  async prepare({ view, row, data }) {
    if (targetKey(String(row.ip)) === null) {
      throw invalidAt('/ip', 'Firewall IP must be a valid IPv4 or IPv6', 'format');
    }
    if (data.confirm !== true) {
      await refuseLockOut(view, row);
    }
  },
  async remove(row, view) {
    await refuseLockOut(view, { ...row, status: 0 });
  },
});

/** Who writes a rule shall not shut himself out by mistake. Throws 409 when the rules deny him only because of this change. */
async function refuseLockOut(view: View, changed: Row): Promise<void> {
  const { ip, origin = {} } = view.actor;
  const known = await view.where('firewall', eq(firewalls.status, 1), ({ status }) => status === 1);
  const denied = (rows: readonly Row[]) => {
    const rules = new Firewall();
    for (const row of rows) {
      const rule = row.status === 1 ? ruleOf(row as never) : null;
      if (rule !== null) {
        rules.set(String(row.id), rule);
      }
    }
    return rules.denies(ip, origin, view.now / 1000);
  };
  if (denied([...known.filter(({ id }) => id !== changed.id), changed]) && !denied(known)) {
    throw new ApiError(
      'conflict',
      `This would shut out your own address, ${ip}; send "confirm": true to do it all the same, or allow the address first`,
    );
  }
}
