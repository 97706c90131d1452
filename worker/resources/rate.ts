import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { durationSeconds } from '../lib/duration.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField } from './define.ts';
import type { View } from './view.ts';

export const rates = sqliteTable(
  'rate',
  {
    ...identity,
    priority: integer().notNull().default(0),
    name: text().notNull(),
    rate_limit: integer().notNull(),
    timespan: text().notNull(),
    allocation: json().notNull(),
    mode: text().notNull().default('leased'),
    on_error: text().notNull().default('open'),
    metadata: json(),
  },
  (table) => [uniqueActive('rate_name', table, 'name')],
);

/** As callers write it: deploy files name operations and users, for ids differ between installations. */
type Allocation = Record<string, unknown> & { operation?: string | null; user?: string | null };

async function resolve(view: View, entry: Allocation, index: number) {
  const idOf = async (resource: 'operation' | 'user', name: string | null | undefined) => {
    if (name === undefined || name === null) {
      return null;
    }
    const found = await view.by(resource, 'name', name);
    if (found === undefined) {
      throw invalidAt(`/allocation/${index}/${resource}`, `The ${resource} "${name}" does not exist`, 'reference');
    }
    return found.id;
  };
  return {
    operationId: entry.operationId ?? (await idOf('operation', entry.operation)),
    userId: entry.userId ?? (await idOf('user', entry.user)),
    planId: entry.planId ?? null,
    appId: entry.appId ?? null,
    authenticated: entry.authenticated ?? null,
  };
}

const name = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const id = Type.Optional(Type.Union([Type.Integer(), Type.Null()]));

/** A limit of calls per timespan, and for whom and what it counts. */
export const rate = defineResource({
  name: 'rate',
  title: 'Rate',
  description: 'A limit of calls in any window of a timespan; the matching rate of the highest priority counts.',
  table: rates,
  versioned: true,
  order: { column: 'priority', direction: 'desc' },
  seeded: ['Default', 'Default-Anonymous'],
  fields: {
    status: statusField,
    priority: {
      schema: Type.Integer({ description: 'The highest priority of the matching rates counts' }),
      list: true,
      initial: 0,
    },
    name: nameField('a-zA-Z0-9_-', 3, 64),
    rateLimit: {
      schema: Type.Integer({ description: 'Calls per timespan', minimum: 0, maximum: 1e12 }),
      list: true,
      required: true,
    },
    timespan: { schema: Type.String({ description: 'ISO 8601 duration, PT1H' }), list: true, required: true },
    mode: {
      schema: Type.Enum(['leased', 'exact'], {
        description: 'leased: counted in blocks, the fast default; exact: every call asks',
      }),
      initial: 'leased',
    },
    onError: {
      schema: Type.Enum(['open', 'closed'], { description: 'What happens when the counter cannot be reached' }),
      initial: 'open',
    },
    allocation: {
      schema: Type.Array(
        Type.Object({
          operation: name,
          user: name,
          operationId: id,
          userId: id,
          planId: id,
          appId: id,
          authenticated: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
        }),
        { description: 'For whom and what the rate counts: null members match all' },
      ),
      initial: [],
    },
    metadata: metadataField,
  },
  async prepare({ view, row, before }) {
    try {
      durationSeconds(String(row.timespan));
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      throw invalidAt('/timespan', message, 'duration');
    }
    if (row.allocation !== before?.allocation) {
      row.allocation = await Promise.all(
        (row.allocation ?? []).map((entry: Allocation, index: number) => resolve(view, entry, index)),
      );
    }
  },
  async extend(rows, entities) {
    rows.forEach((row, position) => {
      entities[position]!.allocation = (row.allocation as Record<string, unknown>[]).map((entry, index) => ({
        id: row.id * 1000 + index,
        rateId: row.id,
        ...Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null)),
      }));
    });
  },
});
