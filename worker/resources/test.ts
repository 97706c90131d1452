import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { identity, json } from './columns.ts';
import { defineResource } from './define.ts';

/** What became of a test, as Fusio numbers it. */
export const testStatus = { pending: 1, success: 2, warning: 3, error: 4, skipped: 5, disabled: 6 } as const;

/** One request per operation, kept to see whether it still answers as it should (worker/api/backend/test.ts). */
export const tests = sqliteTable(
  'test',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    operation_id: integer().notNull(),
    operation_name: text().notNull().default(''),
    /** What was found wrong, one thing a line. */
    message: text(),
    /** The answer's body, cut; of a planned change, the plan. */
    response: text(),
    /** `{method, uriFragments, parameters, headers, body}`, texts but for the body. */
    config: json(),
  },
  (table) => [uniqueIndex('test_operation').on(table.tenant_id, table.operation_id)],
);

/** A stored request to an operation. It is changed by the operations of the test panel only. */
export const test = defineResource({
  name: 'test',
  title: 'Test',
  description: 'A stored request to an operation, and what became of it.',
  table: tests,
  versioned: false,
  named: 'operation_name',
  order: { column: 'operation_id', direction: 'desc' },
  search: 'operation_name',
  unique: {},
  verbs: [],
  categorised: false,
  fields: {
    status: {
      schema: Type.Integer({ description: '1 pending, 2 success, 3 warning, 4 error, 5 skipped, 6 disabled' }),
      list: true,
    },
    operationName: { schema: Type.String({ description: 'Name of the operation' }), list: true },
    message: { schema: Type.String({ description: 'What was found wrong, one thing a line' }), list: true },
    response: { schema: Type.String({ description: 'What was answered' }) },
    config: { schema: Type.Record(Type.String(), Type.Unknown(), { description: 'The request' }) },
  },
});
