import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { sameJson } from '../lib/json.ts';
import { isPointer } from '../lib/json-pointer.ts';
import { isEnvelope } from '../lib/seal.ts';
import { isSecret, makeSecret } from '../lib/standard-webhooks.ts';
import { reach } from './authority.ts';
import { flag, identity, json } from './columns.ts';
import { defineResource, type Preparing, titleField } from './define.ts';

export const webhooks = sqliteTable(
  'webhook',
  {
    ...identity,
    event_id: integer().notNull(),
    user_id: integer().notNull(),
    name: text().notNull(),
    endpoint: text().notNull(),
    mode: text().notNull().default('push'),
    format: text().notNull().default('bare'),
    order_by: text(),
    concurrency: integer().notNull().default(4),
    rate: integer(),
    challenge: flag().notNull().default(false),
    /** When the endpoint answered its challenge, ISO 8601. */
    verified: text(),
    /** Why and since when it is disabled, if it was not its owner. */
    disabled: json(),
    /** Sealed, both; the former one is good until `overlap`, milliseconds since the epoch. */
    secret: json(),
    former_secret: json(),
    overlap: integer(),
    /** Grows with every change; milliseconds since the epoch, about. */
    changed: integer().notNull().default(0),
  },
  (table) => [index('webhook_event').on(table.event_id)],
);

/** How a webhook wants its messages (worker/events/webhook-body.ts). */
export const webhookFormats = ['bare', 'cloudevents', 'cloudevents-binary'] as const;

const choice = (values: readonly unknown[], type: string, description: string) =>
  Type.Unsafe<string>({ type, enum: [...values], description });

/** Milliseconds for which the secret before a rotation still signs. */
const overlap = 86_400_000;

/** A user's address that is told of an event. */
export const webhook = defineResource({
  name: 'webhook',
  title: 'Webhook',
  description: 'An address of a user that is told of an event.',
  table: webhooks,
  versioned: false,
  unique: {},
  fields: {
    status: {
      schema: choice([1, 2], 'integer', '1 active, 2 paused: by its owner, or because it failed for too long'),
      list: true,
      initial: 1,
    },
    eventId: {
      schema: Type.Integer({ description: 'Event' }),
      list: true,
      required: 'Webhook event must not be empty',
    },
    userId: {
      schema: Type.Integer({ description: 'Owner' }),
      list: true,
      required: 'Webhook user must not be empty',
    },
    name: titleField('Name of the webhook', 32),
    endpoint: {
      schema: Type.String({ description: 'Where the payload is sent to, http or https', maxLength: 255 }),
      list: true,
      initial: '',
    },
    mode: {
      schema: choice(['push', 'pull'], 'string', 'push: messages are sent; pull: they are fetched and acknowledged'),
      initial: 'push',
    },
    format: {
      schema: choice(webhookFormats, 'string', 'The body: the payload alone, or a CloudEvent'),
      initial: 'bare',
    },
    orderBy: {
      schema: Type.String({
        description: 'JSON Pointer: events with the same value there are delivered one after the other; * for all',
        maxLength: 255,
      }),
    },
    concurrency: {
      schema: Type.Integer({ description: 'Messages under way at a time', minimum: 1, maximum: 6 }),
      initial: 4,
    },
    rate: { schema: Type.Integer({ description: 'Messages a second at most', minimum: 1, maximum: 1_000 }) },
    challenge: {
      schema: Type.Boolean({ description: 'The endpoint must answer a challenge before it gets its first event' }),
      initial: false,
    },
    verified: { schema: Type.String({ description: 'When the endpoint answered its challenge' }), readonly: true },
    disabled: {
      schema: Type.Unknown({ description: 'Why and since when it is disabled' }),
      list: true,
      readonly: true,
    },
    secret: {
      schema: Type.String({ description: 'Signs the messages, whsec_…; made unless given', maxLength: 100 }),
      hidden: true,
    },
    health: {
      schema: Type.Unknown({
        description:
          'Messages that wait, are under way and dead, the oldest, the last success, the state of the breaker',
      }),
      readonly: true,
      virtual: true,
    },
    responses: {
      schema: Type.Array(Type.Unknown(), { description: 'Latest deliveries' }),
      readonly: true,
      virtual: true,
    },
  },
  async prepare(change) {
    const { view, row, before } = change;
    const event = await view.get('event', row.event_id);
    if (event === undefined || event.status !== 1 || (await reach(view, 'shared', event)) === 'foreign') {
      throw invalidAt('/eventId', 'Webhook event does not exist');
    }
    const owner = await view.get('user', row.user_id);
    if (owner === undefined || owner.status === 0) {
      throw invalidAt('/userId', 'Webhook user does not exist');
    }
    const pulls = row.mode === 'pull' && row.endpoint === '';
    if (!pulls && (!URL.canParse(row.endpoint) || !/^https?:\/\//i.test(row.endpoint))) {
      const fault = row.endpoint === '' ? 'must contain a value' : 'must be a valid url';
      throw invalidAt('/endpoint', `Webhook endpoint ${fault}`);
    }
    if (row.order_by !== null && row.order_by !== '*' && !isPointer(row.order_by)) {
      throw invalidAt('/orderBy', 'Neither a JSON Pointer nor *');
    }
    if (row.endpoint !== before?.endpoint) {
      row.verified = null;
    }
    if (row.status === 1) {
      row.disabled = null;
    }
    await sealSecrets(change);
    if (before === undefined || !sameJson(before, row)) {
      row.changed = Math.max(view.now, (before?.changed ?? 0) + 1);
    }
  },
  async extend(rows, entities, reading) {
    await Promise.all(
      rows.map(async (row, position) => {
        const [responses, health] = await Promise.all([reading.deliveries(row.id), reading.health(row.id)]);
        Object.assign(entities[position]!, { health, responses });
      }),
    );
  },
});

/** A new secret rotates the former one out: for a day both sign. */
async function sealSecrets({ view, row, before }: Preparing): Promise<void> {
  const given = row.secret;
  if (typeof given !== 'string') {
    row.secret = isEnvelope(given) ? given : (before?.secret ?? null);
    row.secret ??= await view.seal(makeSecret(), null, secretPlace(row.id));
    return;
  }
  if (!isSecret(given)) {
    throw invalidAt('/secret', 'Not whsec_ and 24 to 64 bytes in base64');
  }
  row.secret = await view.seal(given, before?.secret, secretPlace(row.id));
  if (isEnvelope(before?.secret) && !sameJson(before.secret, row.secret)) {
    const former = await view.unseal(before.secret, secretPlace(row.id));
    row.former_secret = await view.seal(former, before.former_secret, `webhook/${row.id}/former_secret`);
    row.overlap = view.now + overlap;
  }
}

/** Where a webhook's secret is sealed to, within its tenant. */
export function secretPlace(id: number): string {
  return `webhook/${id}/secret`;
}
