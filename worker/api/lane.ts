import type { SQL } from 'drizzle-orm';
import { Type } from 'typebox';
import type { Call, Input } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import { type JobFilter, jobStatus, type LaneRpc } from '../core/events.ts';
import { laneOf } from '../core/lane-of.ts';
import type { ParameterRecord } from '../core/records.ts';
import type { SystemOperation } from '../core/system-operation.ts';
import { challenge } from '../events/challenge.ts';
import { webhookLane } from '../events/lane-settings.ts';
import { secretsOf } from '../lib/derive.ts';
import { assertFormatKeyword } from '../lib/schema/engine.ts';
import { isEnvelope, open } from '../lib/seal.ts';
import { makeSecret } from '../lib/standard-webhooks.ts';
import { changeEntity, collectionParameters, findRow, listEntities } from '../resources/crud.ts';
import type { Resource, Row } from '../resources/define.ts';
import { deliveryOf, healthOf } from '../resources/deliveries.ts';
import { secretPlace } from '../resources/webhook.ts';
import { optionalMembers, periodMembers, periodOf } from './job-filter.ts';

/** Whose lanes: a kind of receiver on one side of the API, and which of them the caller may touch. */
export interface LaneSide {
  side: 'backend' | 'consumer';
  resource: Resource;
  kind: 'webhook' | 'trigger';
  mine?(call: Call): SQL;
}

const states = { pending: jobStatus.waiting, done: jobStatus.done, dead: jobStatus.dead } as const;

const filterMembers: Record<string, ParameterRecord> = {
  status: { type: 'string', enum: Object.keys(states), description: 'pending, done, or dead: given up' },
  ...periodMembers('of events'),
  event: { type: 'string', description: 'Name of the event' },
};

const filterBody = Type.Object(
  {
    messages: Type.Optional(Type.Array(Type.String(), { description: 'Ids of messages', maxItems: 1000 })),
    ...optionalMembers(filterMembers),
  },
  { [assertFormatKeyword]: true },
);

/** What a webhook or trigger owes and did: its deliveries, and trying them again. */
export function laneOperations(place: LaneSide): SystemOperation[] {
  const { side, resource, kind } = place;
  const scope = `${side}.${resource.name}`;
  const one = `/${side}/${resource.name}/$${resource.name}_id<[0-9]+|^~>`;
  return [
    {
      name: `${scope}.getDeliveries`,
      method: 'GET',
      path: `${one}/delivery`,
      description: `Lists what the ${kind} got or is still to get, each with all attempts; status=dead is the list of dead letters`,
      scope,
      query: {
        startIndex: { type: 'integer', minimum: 0, description: 'How many entries to skip' },
        count: {
          type: 'integer',
          minimum: 1,
          maximum: 1024,
          description: 'How many entries to return, 16 unless given',
        },
        ...filterMembers,
      },
      async run(call, input) {
        const { lane } = await laneAt(call, input, place);
        const { startIndex = 0, count = 16 } = input.query as { startIndex?: number; count?: number };
        const { total, jobs } = await reach(lane.list(filterOf(input.query), startIndex, count));
        return { totalResults: total, startIndex, itemsPerPage: count, entry: jobs.map(deliveryOf) };
      },
    },
    {
      name: `${scope}.replay`,
      method: 'POST',
      path: `${one}/replay`,
      description: `Tries deliveries of the ${kind} again, from the first attempt on: those named, or all that meet the filter; dead ones unless a status is given`,
      scope,
      incoming: filterBody,
      async run(call, input) {
        const { lane } = await laneAt(call, input, place);
        const body = (input.body ?? {}) as Record<string, unknown>;
        const named = body.messages !== undefined;
        const filter = filterOf({ ...(named ? {} : { status: 'dead' }), ...body });
        const count = await reach(lane.replay(filter));
        const message = `${count} ${count === 1 ? 'delivery is' : 'deliveries are'} tried again`;
        return { success: true, message, count };
      },
    },
  ];
}

/** What webhooks have beyond that: their secret, a test, the challenge, and fetching instead of being sent to. */
export function webhookLaneOperations(place: LaneSide): SystemOperation[] {
  const { side } = place;
  const scope = `${side}.webhook`;
  const one = `/${side}/webhook/$webhook_id<[0-9]+|^~>`;
  return [
    ...laneOperations(place),
    {
      name: `${scope}.getHealth`,
      method: 'GET',
      path: `/${side}/webhook/health`,
      description:
        'Lists webhooks with what waits for each, the oldest, what is dead, the last success and the breaker',
      scope,
      query: { ...collectionParameters, count: { ...collectionParameters.count!, maximum: 100 } },
      run: (call, { query }) => listHealth(call, query, place),
    },
    {
      name: `${scope}.getSecret`,
      method: 'GET',
      path: `${one}/secret`,
      description: 'Returns the secret that signs the messages (Standard Webhooks)',
      scope,
      async run(call, input) {
        const { row } = await laneAt(call, input, place);
        return { secret: await secretOf(call, row) };
      },
    },
    {
      name: `${scope}.rotateSecret`,
      method: 'POST',
      path: `${one}/secret`,
      description: 'Makes a new secret; for 24 hours messages are signed with the former one as well',
      scope,
      async run(call, input) {
        const { row } = await laneAt(call, input, place);
        const secret = makeSecret();
        await changeEntity(call, place.resource, {
          resource: 'webhook',
          verb: 'update',
          key: String(row.id),
          data: { secret },
        });
        return { success: true, message: 'Secret successfully rotated', secret };
      },
    },
    {
      name: `${scope}.test`,
      method: 'POST',
      path: `${one}/test`,
      description: 'Sends a message to this webhook alone: the given body, or {"test": true}',
      scope,
      incoming: Type.Unknown(),
      async run(call, input) {
        const { row, lane } = await laneAt(call, input, place);
        const id = `evt_test_${crypto.randomUUID().replaceAll('-', '')}`;
        const payload = JSON.stringify(input.body ?? { test: true });
        const job = { id, name: 'test', payload, time: call.runtime.now(), depth: 0 };
        await reach(lane.add(webhookLane(call.tenant, row), [job]));
        return { success: true, message: 'Message is on its way', id };
      },
    },
    {
      name: `${scope}.verify`,
      method: 'POST',
      path: `${one}/verify`,
      description: 'Sends the challenge: the endpoint is verified when it answers 2xx with the challenge in the body',
      scope,
      async run(call, input) {
        const { row } = await laneAt(call, input, place);
        await challenge(call, row);
        return { success: true, message: 'Webhook successfully verified' };
      },
    },
    {
      name: `${scope}.getMessages`,
      method: 'GET',
      path: `${one}/message`,
      description: 'Fetches messages of a webhook in pull mode that are not acknowledged, oldest first',
      scope,
      query: {
        cursor: { type: 'integer', minimum: 0, description: 'The cursor of the page before' },
        count: { type: 'integer', minimum: 1, maximum: 100, description: 'How many messages, 16 unless given' },
      },
      async run(call, input) {
        const { lane } = await pulling(call, input, place);
        const { cursor = 0, count = 16 } = input.query as { cursor?: number; count?: number };
        const jobs = await reach(lane.pull(cursor, count));
        return {
          cursor: jobs.at(-1)?.number ?? cursor,
          entry: jobs.map(({ id, name, payload, time }) => ({
            id,
            event: name,
            date: new Date(time).toISOString(),
            payload: JSON.parse(payload),
          })),
        };
      },
    },
    {
      name: `${scope}.acknowledge`,
      method: 'POST',
      path: `${one}/acknowledge`,
      description: 'Acknowledges the messages up to a cursor: they are not fetched again',
      scope,
      incoming: Type.Object({ cursor: Type.Integer({ minimum: 0 }) }),
      async run(call, input) {
        const { lane } = await pulling(call, input, place);
        const { cursor } = input.body as { cursor: number };
        const count = await reach(lane.acknowledge(cursor));
        return {
          success: true,
          message: `${count} ${count === 1 ? 'message is' : 'messages are'} acknowledged`,
          count,
        };
      },
    },
  ];
}

async function listHealth(call: Call, query: Input['query'], { resource, kind, mine }: LaneSide) {
  const page = await listEntities(call, resource, query, mine?.(call));
  const entry = await Promise.all(
    page.entry.map(async ({ id, status, name, endpoint, disabled }) => {
      const lane = laneOf(call.runtime.env, { tenant: call.tenant, kind, id: Number(id) });
      return { id, status, name, endpoint, disabled, ...healthOf(await reach(lane.health())) };
    }),
  );
  return { ...page, entry };
}

async function laneAt(
  call: Call,
  input: Input,
  { resource, kind, mine }: LaneSide,
): Promise<{ row: Row; lane: LaneRpc }> {
  const row = await findRow(call, resource, String(input.path[`${resource.name}_id`]), mine?.(call));
  return { row, lane: laneOf(call.runtime.env, { tenant: call.tenant, kind, id: row.id }) };
}

async function pulling(call: Call, input: Input, place: LaneSide) {
  const found = await laneAt(call, input, place);
  if (found.row.mode !== 'pull') {
    throw new ApiError('conflict', 'The webhook is not in pull mode: its messages are sent');
  }
  return found;
}

async function secretOf(call: Call, row: Row): Promise<string> {
  if (!isEnvelope(row.secret)) {
    throw new ApiError('not_found', 'The webhook has no secret');
  }
  return open(row.secret, `${call.tenant}/${secretPlace(row.id)}`, secretsOf(call.runtime.env));
}

function filterOf(given: Record<string, unknown>): JobFilter {
  const { messages, status, event } = given as Record<string, any>;
  return {
    ids: messages,
    status: status === undefined ? undefined : states[status as keyof typeof states],
    ...periodOf(given),
    name: event,
  };
}

/** A lane that cannot be reached is the platform's failure, not ours. */
export async function reach<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause) => {
    throw new ApiError('unavailable', 'The deliveries cannot be reached at the moment', {
      cause,
      headers: { 'Retry-After': '2' },
    });
  });
}
