import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { identity } from './columns.ts';
import { defineResource, titleField } from './define.ts';

export const webhooks = sqliteTable('webhook', {
  ...identity,
  event_id: integer().notNull(),
  user_id: integer().notNull(),
  name: text().notNull(),
  endpoint: text().notNull(),
});

/** A user's address that is told of an event. */
export const webhook = defineResource({
  name: 'webhook',
  title: 'Webhook',
  description: 'An address of a user that is told of an event.',
  table: webhooks,
  versioned: false,
  unique: {},
  fields: {
    eventId: { schema: Type.Integer({ description: 'Event' }), list: true, required: true },
    userId: { schema: Type.Integer({ description: 'Owner' }), list: true, required: true },
    name: titleField('Name of the webhook', 32),
    endpoint: {
      schema: Type.String({ description: 'Where the payload is sent to, http or https', maxLength: 255 }),
      list: true,
      required: true,
    },
    responses: {
      schema: Type.Array(Type.Unknown(), { description: 'Latest deliveries' }),
      readonly: true,
      virtual: true,
    },
  },
  async prepare({ view, row }) {
    const event = await view.get('event', row.event_id);
    if (event === undefined || event.status !== 1) {
      throw invalid('eventId', 'Provided event does not exist');
    }
    const owner = await view.get('user', row.user_id);
    if (owner === undefined || owner.status === 0) {
      throw invalid('userId', 'Provided user does not exist');
    }
    if (!URL.canParse(row.endpoint) || !/^https?:\/\//i.test(row.endpoint)) {
      throw invalid('endpoint', 'Invalid endpoint url');
    }
  },
  async extend(_rows, entities) {
    for (const entity of entities) {
      entity.responses = [];
    }
  },
});

function invalid(member: string, message: string): ApiError {
  return new ApiError('invalid_body', message, { errors: [{ pointer: `/${member}`, rule: 'value', message }] });
}
