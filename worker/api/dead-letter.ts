import { and, asc, eq, gte, inArray, lte, or, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call } from '../core/call.ts';
import { jobStatus } from '../core/events.ts';
import { laneOf } from '../core/lane-of.ts';
import type { SystemOperation } from '../core/system-operation.ts';
import { assertFormatKeyword } from '../lib/schema/engine.ts';
import { visibleTo } from '../resources/authority-read.ts';
import { collectionParameters, findRow, listEntities } from '../resources/crud.ts';
import { deadLetter, deadLetters } from '../resources/dead-letter.ts';
import { deliveryOf } from '../resources/deliveries.ts';
import { entityOf } from '../resources/entity-view.ts';
import { trigger, triggers } from '../resources/trigger.ts';
import { webhooks } from '../resources/webhook.ts';
import { ownedBy } from './consumer/own.ts';
import { optionalMembers, periodMembers } from './job-filter.ts';
import { reach } from './lane.ts';

/** Messages that one request brings back; lanes that are asked at a time. */
const mostReplayed = 10_000;
const together = 20;

/** Members of a filter, in the query of lists and in the body of a replay. */
const filterMembers = {
  webhook: { type: 'integer', description: 'Only what this webhook did not take' },
  trigger: { type: 'integer', description: 'Only what this trigger did not take' },
  event: { type: 'string', description: 'Name of the event' },
  ...periodMembers('of events'),
} as const;

type Filter = Partial<Record<'webhook' | 'trigger', number> & Record<'event' | 'since' | 'until', string>> & {
  ids?: number[];
};

const page = Type.Object({
  totalResults: Type.Integer(),
  startIndex: Type.Integer(),
  itemsPerPage: Type.Integer(),
  entry: Type.Array(
    Type.Object({
      id: Type.Integer(),
      ...Object.fromEntries(
        Object.entries(deadLetter.fields).map(([member, { schema }]) => [member, Type.Optional(schema)]),
      ),
    }),
  ),
});

const one = '$deadletter_id<[0-9]+>';

/** What nobody took, over all webhooks and triggers (backend) or the own webhooks (consumer), and trying it again. */
export const deadLetterOperations: readonly SystemOperation[] = [
  // Triggers belong to categories, and so do their letters.
  ...operationsOf('backend', (call) =>
    or(
      eq(deadLetters.kind, 'webhook'),
      inArray(deadLetters.receiver_id, sql`(SELECT id FROM ${triggers} WHERE ${visibleTo(call, trigger)})`),
    ),
  ),
  ...operationsOf('consumer', (call) =>
    and(
      eq(deadLetters.kind, 'webhook'),
      inArray(
        deadLetters.receiver_id,
        sql`(SELECT id FROM ${webhooks} WHERE ${ownedBy(call, webhooks)} AND ${webhooks.status} > 0)`,
      ),
    ),
  ),
];

function operationsOf(side: 'backend' | 'consumer', mine: (call: Call) => SQL | undefined) {
  const scope = `${side}.webhook`;
  const path = `/${side}/deadletter`;
  const { trigger: _trigger, ...own } = filterMembers;
  const filters = side === 'backend' ? filterMembers : own;
  const whose = side === 'backend' ? 'webhooks and triggers' : 'own webhooks';
  const operations: SystemOperation[] = [
    {
      name: `${side}.deadletter.getAll`,
      method: 'GET',
      path,
      description: `Lists messages that ${whose} did not take in any attempt`,
      scope,
      query: { ...collectionParameters, ...filters },
      outgoing: page,
      run: (call, { query }) => listEntities(call, deadLetter, query, and(mine(call), conditionOf(query))),
    },
    {
      name: `${side}.deadletter.get`,
      method: 'GET',
      path: `${path}/${one}`,
      description: 'Returns a dead letter with its payload and all attempts',
      scope,
      async run(call, input) {
        const row = await findRow(call, deadLetter, String(input.path.deadletter_id), mine(call));
        const { tenant } = call;
        const lane = laneOf(call.runtime.env, { tenant, kind: row.kind, id: row.receiver_id });
        const { jobs } = await reach(lane.list({ ids: [row.message] }, 0, 1));
        const [job] = jobs;
        const more = job === undefined ? {} : { payload: JSON.parse(job.payload), history: deliveryOf(job).history };
        return { ...entityOf(deadLetter, row, false), ...more };
      },
    },
    {
      name: `${side}.deadletter.replay`,
      method: 'POST',
      path: `${path}/replay`,
      description: `Tries dead letters of ${whose} again, from the first attempt on: those named, those that meet the filter, or all`,
      scope,
      incoming: Type.Object(
        {
          ids: Type.Optional(Type.Array(Type.Integer(), { description: 'Ids of dead letters', maxItems: 1000 })),
          ...optionalMembers(filters),
        },
        { [assertFormatKeyword]: true },
      ),
      outgoing: Type.Object({
        success: Type.Boolean(),
        message: Type.String(),
        count: Type.Integer(),
        more: Type.Boolean({ description: 'There are more than one request brings back: ask again' }),
      }),
      run: (call, input) => replay(call, and(mine(call), conditionOf((input.body ?? {}) as Filter))),
    },
  ];
  return operations;
}

function conditionOf({ ids, webhook, trigger, event, since, until }: Filter): SQL | undefined {
  const receiver = (kind: string, id: number | undefined) =>
    id === undefined ? undefined : and(eq(deadLetters.kind, kind), eq(deadLetters.receiver_id, id));
  const date = (text: string) => new Date(text).toISOString();
  return and(
    ids === undefined ? undefined : inArray(deadLetters.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`),
    receiver('webhook', webhook),
    receiver('trigger', trigger),
    event === undefined ? undefined : eq(deadLetters.event, event),
    since === undefined ? undefined : gte(deadLetters.date, date(since)),
    until === undefined ? undefined : lte(deadLetters.date, date(until)),
  );
}

/** The lanes tell the table which letters they took back. */
async function replay(call: Call, condition: SQL | undefined) {
  const { env } = call.runtime;
  const rows = await drizzle(env.DB)
    .select({ kind: deadLetters.kind, receiver: deadLetters.receiver_id, message: deadLetters.message })
    .from(deadLetters)
    .where(and(eq(deadLetters.tenant_id, call.tenant), condition))
    .orderBy(asc(deadLetters.id))
    .limit(mostReplayed + 1);
  const lanes = [...Map.groupBy(rows.slice(0, mostReplayed), ({ kind, receiver }) => `${kind} ${receiver}`).values()];
  let count = 0;
  const work = async () => {
    for (let letters = lanes.shift(); letters !== undefined; letters = lanes.shift()) {
      const { kind, receiver } = letters[0]!;
      const lane = laneOf(env, { tenant: call.tenant, kind: kind as 'webhook' | 'trigger', id: receiver });
      const ids = letters.map(({ message }) => message);
      count += await reach(lane.replay({ ids, status: jobStatus.dead }));
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  const message = `${count} ${count === 1 ? 'message is' : 'messages are'} tried again`;
  return { success: true, message, count, more: rows.length > mostReplayed };
}
