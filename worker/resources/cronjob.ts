import { Cron } from 'croner';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField, taxonomyField } from './define.ts';
import { checkAction, nameIn } from './operation.ts';

export const cronjobs = sqliteTable(
  'cronjob',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    taxonomy_id: integer(),
    name: text().notNull(),
    cron: text().notNull(),
    action: text().notNull(),
    metadata: json(),
  },
  (table) => [uniqueActive('cronjob_name', table, 'name')],
);

/** An action that runs at times. How its runs went is no configuration, so it is kept apart. */
export const cronjob = defineResource({
  name: 'cronjob',
  title: 'Cronjob',
  description: 'An action and the times at which it runs.',
  table: cronjobs,
  versioned: true,
  categorised: 'shared',
  seeded: ['Renew_Token'],
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    cron: {
      schema: Type.String({ description: 'Minute, hour, day, month, weekday; or @hourly, @daily …', maxLength: 255 }),
      list: true,
      required: true,
    },
    action: { schema: Type.String({ description: 'Action that runs', maxLength: 255 }), list: true, required: true },
    executeDate: { schema: Type.String({ description: 'When it last ran' }), readonly: true, virtual: true },
    exitCode: { schema: Type.Integer({ description: '0 well, 1 failed' }), readonly: true, virtual: true },
    errors: { schema: Type.Array(Type.Unknown(), { description: 'Latest failures' }), readonly: true, virtual: true },
    taxonomyId: taxonomyField,
    metadata: metadataField,
  },
  references: (data) => (nameIn(data.action, 'action') === null ? [] : [['action', nameIn(data.action, 'action')!]]),
  async prepare(change) {
    const { row } = change;
    row.cron = normalCron(row.cron);
    row.action = await checkAction(change, row.action);
  },
  async extend(_rows, entities) {
    for (const entity of entities) {
      entity.errors = [];
    }
  },
});

/** Five fields or an @nickname, single spaces between them. Throws ApiError for what never runs or is no expression. */
function normalCron(expression: string): string {
  const normal = expression.trim().split(/\s+/).join(' ');
  try {
    if (!normal.startsWith('@') && normal.split(' ').length !== 5) {
      throw new TypeError('not five fields');
    }
    if (new Cron(normal, { paused: true, timezone: 'UTC' }).nextRun() === null) {
      throw new RangeError('never');
    }
  } catch {
    const message = 'Invalid cron expression';
    throw new ApiError('invalid_body', message, { errors: [{ pointer: '/cron', rule: 'cron', message }] });
  }
  return normal;
}
