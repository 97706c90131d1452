import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, statusField, titleField } from './define.ts';
import { fromCents, toCents } from './money.ts';
import { checkScopes } from './scope-check.ts';
import { users } from './user.ts';

export const plans = sqliteTable(
  'plan',
  {
    ...identity,
    name: text().notNull(),
    description: text().notNull().default(''),
    /** Cents. */
    price: integer().notNull().default(0),
    points: integer().notNull().default(0),
    /** 0 paid once, 1 a subscription. */
    period: integer(),
    external_id: text(),
    scopes: json().notNull(),
    metadata: json(),
  },
  (table) => [uniqueActive('plan_name', table, 'name')],
);

/** What users buy: points, and scopes while they are subscribed. */
export const plan = defineResource({
  name: 'plan',
  title: 'Plan',
  description: 'A price for points, and the scopes that subscribers get.',
  table: plans,
  versioned: true,
  order: { column: 'price', direction: 'asc' },
  fields: {
    status: statusField,
    name: titleField('Unique name of the plan', 255),
    description: {
      schema: Type.String({ description: 'What the plan offers', maxLength: 255 }),
      list: true,
      initial: '',
    },
    price: {
      schema: Type.Number({ description: 'Price in the configured currency, two decimals', minimum: 0, maximum: 1e9 }),
      list: true,
      initial: 0,
      show: fromCents,
    },
    points: {
      schema: Type.Integer({ description: 'Points that the plan gives', minimum: 0, maximum: 1e12 }),
      list: true,
      initial: 0,
    },
    period: {
      schema: Type.Integer({ description: '0 paid once, 1 subscription', minimum: 0, maximum: 1 }),
      list: true,
    },
    externalId: {
      schema: Type.String({ description: 'Id of the price at the payment provider', maxLength: 255 }),
      list: true,
    },
    scopes: { schema: Type.Array(Type.String(), { description: 'Scopes of a subscriber' }), initial: [] },
    metadata: metadataField,
  },
  references: (data) =>
    Array.isArray(data.scopes) ? data.scopes.map((name: string): [string, string] => ['scope', name]) : [],
  async prepare({ view, row, before, data }) {
    if (typeof data.price === 'number') {
      row.price = toCents(data.price, 'price');
    }
    row.description ??= '';
    row.scopes ??= [];
    if (Array.isArray(data.scopes)) {
      await checkScopes(view, data.scopes, before?.scopes);
    }
  },
  async remove(row, view) {
    if ((await view.count(users, sql`${users.plan_id} = ${row.id}`)) > 0) {
      throw new ApiError('conflict', 'Plan is assigned to a user. Remove the plan from the user in order to delete it');
    }
  },
});
