import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { identity } from './columns.ts';
import { defineResource } from './define.ts';
import { fromCents } from './money.ts';

export const transactions = sqliteTable(
  'transaction',
  {
    ...identity,
    user_id: integer().notNull(),
    plan_id: integer(),
    /** The app that the payment was made with, and the connection of its provider, where they are known. */
    app_id: integer(),
    provider: text(),
    transaction_id: text().notNull(),
    /** Cents. */
    amount: integer().notNull(),
    points: integer().notNull(),
    period_start: text(),
    period_end: text(),
    insert_date: text().notNull(),
  },
  (table) => [
    index('transaction_user').on(table.tenant_id, table.user_id, table.insert_date),
    index('transaction_date').on(table.tenant_id, table.insert_date),
  ],
);

/** A payment that was made. Nobody changes one. */
export const transaction = defineResource({
  name: 'transaction',
  title: 'Transaction',
  description: 'A payment that was made.',
  table: transactions,
  versioned: false,
  named: 'transaction_id',
  search: 'transaction_id',
  unique: {},
  verbs: [],
  fields: {
    userId: { schema: Type.Integer({ description: 'Who paid' }), list: true },
    planId: { schema: Type.Integer({ description: 'What for' }), list: true },
    transactionId: { schema: Type.String({ description: 'Id at the payment provider' }), list: true },
    amount: { schema: Type.Number({ description: 'What was paid' }), list: true, show: fromCents },
    points: { schema: Type.Number({ description: 'Points that were given' }), list: true },
    periodStart: { schema: Type.String({ description: 'Begin of the paid period' }), list: true },
    periodEnd: { schema: Type.String({ description: 'End of the paid period' }), list: true },
    insertDate: { schema: Type.String({ description: 'When it was made' }), list: true },
  },
});
