import { sql } from 'drizzle-orm';
import { integer, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** Columns that every table of an entity has. */
export const identity = {
  id: integer().primaryKey({ autoIncrement: true }),
  tenant_id: text().notNull().default(''),
  status: integer().notNull().default(1),
};

/** A JSON column; null when absent. */
export const json = () => text({ mode: 'json' });
export const flag = () => integer({ mode: 'boolean' });

/** Unique per tenant among rows that are not deleted. */
export function uniqueActive(name: string, table: Record<string, any>, column: string) {
  return uniqueIndex(name).on(table.tenant_id, table[column]).where(sql`status > 0`);
}
