import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { identity, json } from './columns.ts';

/** What became of a test, as Fusio numbers it. */
export const testStatus = { pending: 1, success: 2, warning: 3, error: 4, skipped: 5, disabled: 6 } as const;

/** One request per operation, kept to see whether it still answers as it should (worker/api/backend/test.ts). */
export const tests = sqliteTable(
  'test',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    operation_id: integer().notNull(),
    /** What was found wrong, one thing a line. */
    message: text(),
    /** The answer's body, cut. */
    response: text(),
    /** `{method, uriFragments, parameters, headers, body}`, texts all. */
    config: json(),
  },
  (table) => [uniqueIndex('test_operation').on(table.tenant_id, table.operation_id)],
);
