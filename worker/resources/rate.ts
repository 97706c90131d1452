import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { parseDuration } from '../lib/duration.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField } from './define.ts';

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

const id = Type.Optional(Type.Union([Type.Integer(), Type.Null()]));

/** A limit of calls per timespan, and for whom and what it counts. */
export const rate = defineResource({
  name: 'rate',
  title: 'Rate',
  description: 'A limit of calls in any window of a timespan; the matching rate of the highest priority counts.',
  table: rates,
  versioned: true,
  shard: { by: 'name', buckets: 1 },
  order: { column: 'priority', direction: 'desc' },
  seeded: ['Default', 'Default-Anonymous'],
  fields: {
    status: statusField,
    priority: { schema: Type.Integer({ description: 'The highest priority of the matching rates counts' }), list: true, initial: 0 },
    name: nameField('a-zA-Z0-9_-', 3, 64),
    rateLimit: { schema: Type.Integer({ description: 'Calls per timespan', minimum: 0, maximum: 1e12 }), list: true, required: true },
    timespan: { schema: Type.String({ description: 'ISO 8601 duration, PT1H' }), list: true, required: true },
    mode: {
      schema: Type.Enum(['leased', 'exact'], { description: 'leased: counted in blocks, the fast default; exact: every call asks' }),
      initial: 'leased',
    },
    onError: {
      schema: Type.Enum(['open', 'closed'], { description: 'What happens when the counter cannot be reached' }),
      initial: 'open',
    },
    allocation: {
      schema: Type.Array(
        Type.Object({ operationId: id, userId: id, planId: id, appId: id, authenticated: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])) }),
        { description: 'For whom and what the rate counts: null members match all' },
      ),
      initial: [],
    },
    metadata: metadataField,
  },
  async prepare({ row }) {
    const duration = parseDuration(String(row.timespan));
    if (!duration.ok) {
      const message = `Timespan: ${duration.message}`;
      throw new ApiError('invalid_body', message, { errors: [{ pointer: '/timespan', rule: 'duration', message }] });
    }
    row.allocation = (row.allocation ?? []).map((entry: Record<string, unknown>) => ({
      operationId: entry.operationId ?? null,
      userId: entry.userId ?? null,
      planId: entry.planId ?? null,
      appId: entry.appId ?? null,
      authenticated: entry.authenticated ?? null,
    }));
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
