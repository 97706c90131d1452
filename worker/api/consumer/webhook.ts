import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { invalidAt } from '../../core/errors.ts';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { visibleTo } from '../../resources/authority-read.ts';
import { changeEntity, collectionParameters, getEntity, listEntities, messageSchema } from '../../resources/crud.ts';
import { writable } from '../../resources/define.ts';
import { event as eventResource, events } from '../../resources/event.ts';
import { webhook, webhooks } from '../../resources/webhook.ts';
import { webhookLaneOperations } from '../lane.ts';
import { callerId, ownChanges, ownedBy, ownLimit } from './own.ts';

const scope = 'consumer.webhook';
const one = '/consumer/webhook/$webhook_id<[0-9]+|^~>';
/** What the owner may choose beyond Fusio's members. */
const choices = ['status', 'mode', 'format', 'orderBy', 'concurrency', 'rate', 'challenge', 'secret'] as const;
const body = Type.Object({
  event: Type.Optional(Type.Union([Type.String({ description: 'Name of the event' }), Type.Null()])),
  name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  endpoint: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  ...Object.fromEntries(choices.map((member) => [member, writable(webhook).properties[member]!])),
});

/** The own webhooks. */
export const consumerWebhookOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/webhook',
    description: 'Lists the own webhooks',
    scope,
    query: collectionParameters,
    async run(call, { query }) {
      const found = await listEntities(call, webhook, query, ownedBy(call, webhooks));
      return { ...found, entry: await withEvents(call, found.entry) };
    },
  },
  {
    name: `${scope}.create`,
    method: 'POST',
    path: '/consumer/webhook',
    description: 'Registers an address that is told of an event',
    scope,
    status: 201,
    incoming: body,
    outgoing: messageSchema,
    async run(call, input) {
      const data = { ...(await dataOf(call, input)), userId: callerId(call) };
      const limit = ownLimit(call, 'consumer_max_webhooks', 'webhook', 'status > 0', 'webhook');
      const id = await changeEntity(call, webhook, { resource: 'webhook', verb: 'create', data }, { limit });
      return { success: true, message: 'Webhook successfully created', id: String(id) };
    },
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: one,
    description: 'Returns an own webhook with its latest deliveries',
    scope,
    async run(call, input) {
      const entity = await getEntity(call, webhook, String(input.path.webhook_id), ownedBy(call, webhooks));
      return (await withEvents(call, [entity]))[0];
    },
  },
  ...ownChanges({ resource: webhook, table: webhooks, incoming: body, dataOf }),
  ...webhookLaneOperations({
    side: 'consumer',
    resource: webhook,
    kind: 'webhook',
    mine: (call) => ownedBy(call, webhooks)!,
  }),
];

/** Consumers name events; those of the platform itself are not for them. */
async function dataOf(call: Call, input: Input): Promise<Record<string, unknown>> {
  const { event, name, endpoint, ...rest } = (input.body ?? {}) as Record<string, any>;
  const chosen = Object.fromEntries(choices.map((member) => [member, rest[member]]));
  if (event === undefined || event === null) {
    return { name, endpoint, ...chosen };
  }
  const [found] = await drizzle(call.runtime.env.DB)
    .select({ id: events.id })
    .from(events)
    .where(
      and(
        eq(events.tenant_id, call.tenant),
        eq(events.name, event),
        eq(events.status, 1),
        ne(events.category_id, categories.backend),
        visibleTo(call, eventResource),
      ),
    );
  if (found === undefined) {
    throw invalidAt('/event', 'Event does not exist', 'reference');
  }
  return { name, endpoint, ...chosen, eventId: found.id };
}

async function withEvents(call: Call, entities: Record<string, unknown>[]) {
  const ids = JSON.stringify(entities.map((entity) => entity.eventId));
  const rows = await drizzle(call.runtime.env.DB)
    .select({ id: events.id, name: events.name })
    .from(events)
    .where(inArray(events.id, sql`(SELECT value FROM json_each(${ids}))`));
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  return entities.map(({ eventId, userId: _owner, ...rest }) => ({
    ...rest,
    event: names.get(Number(eventId)),
  }));
}
