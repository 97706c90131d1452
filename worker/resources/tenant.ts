import { asc, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { type ApiError, invalidAt } from '../core/errors.ts';
import { hostName, tenantKey } from '../core/tenant.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, nameField, type Preparing, type Row, toSeconds } from './define.ts';

/** The other tenants, as the root tenant keeps them: each with the host names that choose it. */
export const tenants = sqliteTable(
  'tenant',
  {
    ...identity,
    name: text().notNull(),
    /** Host names, canonical and without a port; the first one is where the tenant is at home. */
    hosts: json().notNull(),
    insert_date: text().notNull(),
    /** When it was removed, and when nothing of it was left; both null while it lives. */
    removed: text(),
    purged: text(),
  },
  (table) => [
    uniqueActive('tenant_name', table, 'name'),
    index('tenant_purge').on(table.id).where(sql`status = 0 AND purged IS NULL`),
  ],
);

/** The tenants beside the root one that are not removed. */
export async function livingTenants(db: D1Database): Promise<{ id: number; key: string }[]> {
  const rows = await drizzle(db)
    .select({ id: tenants.id, name: tenants.name })
    .from(tenants)
    .where(eq(tenants.status, 1))
    .orderBy(asc(tenants.id));
  return rows.map(({ id, name }) => ({ id, key: tenantKey({ id, name }) }));
}

const mostHosts = 100;

/**
 * Part of the root tenant's configuration, because that is how it reaches every isolate; but it is none: roll back, deploy and
 * backup leave it alone (it is not among the `resources`).
 */
export const tenant = defineResource({
  name: 'tenant',
  title: 'Tenant',
  description: 'An installation of its own behind host names of its own.',
  table: tenants,
  versioned: true,
  order: { column: 'name', direction: 'asc' },
  fields: {
    name: nameField('A-Za-z0-9_', 3, 64),
    hosts: {
      schema: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
        maxItems: mostHosts,
        description: 'Host names that choose it, without a port; the first one is its home',
      }),
      list: true,
      initial: [],
    },
    insertDate: {
      schema: Type.String({ description: 'When it was set up' }),
      list: true,
      readonly: true,
      show: toSeconds,
    },
  },
  prepare,
  async remove(row, view) {
    row.removed = new Date(view.now).toISOString();
  },
});

async function prepare({ view, row, before }: Preparing): Promise<void> {
  row.insert_date = before?.insert_date ?? new Date(view.now).toISOString();
  const hosts = (row.hosts ?? []) as string[];
  row.hosts = [...new Set(hosts.map((host, position) => canonicalHost(host, position)))];
  const wanted = row.hosts as string[];
  const held = sql`EXISTS (SELECT 1 FROM json_each(${tenants.hosts}) AS host
    WHERE host.value IN (SELECT value FROM json_each(${JSON.stringify(wanted)})))`;
  const holds = (other: Row) => (other.hosts as string[]).some((host) => wanted.includes(host));
  for (const other of wanted.length === 0 ? [] : await view.where('tenant', held, holds)) {
    const host = wanted.find((name) => (other.hosts as string[]).includes(name))!;
    if (other.id !== row.id) {
      throw refused(
        hosts.findIndex((name, at) => canonicalHost(name, at) === host),
        `belongs to "${other.name}"`,
        host,
      );
    }
  }
}

/** A host name as the URL parser writes it. */
function canonicalHost(host: string, position: number): string {
  const url = URL.parse(`http://${host}/`);
  if (url === null || url.port !== '' || url.pathname !== '/' || url.search + url.hash + url.username !== '') {
    throw refused(position, 'is no host name (without a port)', host);
  }
  return hostName(url);
}

function refused(position: number, why: string, host: string): ApiError {
  return invalidAt(`/hosts/${position}`, `The host "${host}" ${why}`, 'host');
}
