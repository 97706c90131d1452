import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import type { LaneSettings, Letters } from '../core/events.ts';
import { defineResource } from './define.ts';

/** What lanes gave up, of all webhooks and triggers in one place; the lanes have the payloads and tell this table. */
export const deadLetters = sqliteTable(
  'dead_letter',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tenant_id: text().notNull().default(''),
    kind: text().notNull(),
    /** Of the webhook or trigger. */
    receiver_id: integer().notNull(),
    /** Id of the message. */
    message: text().notNull(),
    event: text().notNull(),
    /** Of the event, ISO 8601. */
    date: text().notNull(),
    attempts: integer().notNull(),
    code: integer(),
    error: text(),
    /** Of the last attempt, ISO 8601. */
    died: text().notNull(),
  },
  (table) => [
    uniqueIndex('dead_letter_message').on(table.tenant_id, table.kind, table.receiver_id, table.message),
    index('dead_letter_date').on(table.tenant_id, table.date),
  ],
);

/** A message that nobody took, and that nobody tries again by himself. Rows come from the lanes. */
export const deadLetter = defineResource({
  name: 'deadletter',
  title: 'Dead letter',
  description: 'A message that a webhook or a trigger did not take in any attempt.',
  table: deadLetters,
  versioned: false,
  search: 'event',
  unique: {},
  order: { column: 'id', direction: 'desc' },
  verbs: [],
  fields: {
    kind: { schema: Type.String({ description: 'webhook or trigger' }), list: true },
    receiverId: { schema: Type.Integer({ description: 'Id of the webhook or trigger' }), list: true },
    message: { schema: Type.String({ description: 'Id of the message' }), list: true },
    event: { schema: Type.String({ description: 'Name of the event' }), list: true },
    date: { schema: Type.String({ description: 'When the event was' }), list: true },
    attempts: { schema: Type.Integer({ description: 'Attempts that were made' }), list: true },
    code: { schema: Type.Integer({ description: 'Status of the last answer' }), list: true },
    error: { schema: Type.String({ description: 'Why the last attempt failed' }), list: true },
    died: { schema: Type.String({ description: 'When the last attempt was' }), list: true },
  },
});

/** Writes down what died and what was brought back; doing it twice is doing it once. */
export async function keepLetters(
  db: D1Database,
  { tenant, kind, id }: LaneSettings,
  { dead, revived }: Letters,
): Promise<void> {
  const table = kind === 'webhook' ? 'webhook' : '"trigger"';
  const letters = dead.map(({ id: message, name, time, attempts, code, error, executed }) => ({
    ...{ message, event: name, attempts, code, error },
    ...{ date: new Date(time).toISOString(), died: new Date(executed ?? time).toISOString() },
  }));
  const members = ['message', 'event', 'date', 'attempts', 'code', 'error', 'died'];
  await db.batch([
    db
      .prepare(
        `DELETE FROM dead_letter WHERE tenant_id = ?1 AND kind = ?2 AND receiver_id = ?3
         AND message IN (SELECT value FROM json_each(?4))`,
      )
      .bind(tenant, kind, id, JSON.stringify([...revived, ...dead.map(({ id: message }) => message)])),
    db
      .prepare(
        `INSERT INTO dead_letter (tenant_id, kind, receiver_id, ${members.join(', ')})
         SELECT ?1, ?2, ?3, ${members.map((member) => `value ->> '$.${member}'`).join(', ')} FROM json_each(?4)
         WHERE EXISTS (SELECT 1 FROM ${table} AS receiver WHERE receiver.id = ?3 AND receiver.status > 0)`,
      )
      .bind(tenant, kind, id, JSON.stringify(letters)),
  ]);
}

/** The letters of a receiver that was deleted. */
export function forgetLetters(
  db: D1Database,
  { tenant, kind, id }: Pick<LaneSettings, 'tenant' | 'kind' | 'id'>,
): D1PreparedStatement {
  return db
    .prepare('DELETE FROM dead_letter WHERE tenant_id = ? AND kind = ? AND receiver_id = ?')
    .bind(tenant, kind, id);
}
