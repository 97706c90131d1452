import { and, asc, desc, eq, getTableColumns, gt, inArray, ne, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { type TSchema, Type } from 'typebox';
import type { Call, Input } from '../core/call.ts';
import { ApiError, invalidParameter } from '../core/errors.ts';
import { laneOf } from '../core/lane-of.ts';
import type { Actor, Change } from '../core/ports.ts';
import type { ParameterRecord } from '../core/records.ts';
import type { SystemOperation } from '../core/system-operation.ts';
import { secretsOf } from '../lib/derive.ts';
import { originOf } from '../lib/firewall.ts';
import { isEnvelope, open } from '../lib/seal.ts';
import { visibleTo } from './authority-read.ts';
import { cronjobRuns } from './cronjob-run.ts';
import { columnOf, type Reading, type Resource, type Row, writable } from './define.ts';
import { deliveryOf, healthOf } from './deliveries.ts';
import { entityOf } from './entity-view.ts';
import { type Bounds, growingPage, type Walk } from './growing-list.ts';
import { changeLive, type Limit } from './live.ts';
import { ofTenant } from './of-tenant.ts';
import { parseSearch, searchCondition } from './search.ts';

/** The five operations of an entity under /backend, in Fusio's names, paths, scopes, shapes and messages. */
export function crudOperations(resource: Resource): SystemOperation[] {
  const { name, title } = resource;
  const scope = `backend.${name}`;
  const one = `/backend/${name}/$${name}_id<[0-9]+|^~>`;
  const inTaxonomy = (getTableColumns(resource.table) as Record<string, any>).taxonomy_id;
  const keyOf = (input: Input) => String(input.path[`${name}_id`]);
  // Types are checked at the door; the rules of the name come later, for their message is Fusio's.
  const body = withName(writable(resource), Type.Unsafe({ type: ['string', 'null'] }));
  const operations: SystemOperation[] = [
    {
      name: `${scope}.getAll`,
      method: 'GET',
      path: `/backend/${name}`,
      description: `Lists: ${resource.description}`,
      scope,
      query: {
        ...collectionParameters,
        ...(inTaxonomy === undefined ? {} : taxonomyParameter),
        ...filterParameters(resource),
      },
      run(call, input) {
        const node = input.query.taxonomy;
        const inNode = inTaxonomy === undefined || node === undefined ? undefined : eq(inTaxonomy, node);
        return listEntities(call, resource, input.query, and(inNode, ...filterConditions(resource, input.query)));
      },
    },
    {
      name: `${scope}.get`,
      method: 'GET',
      path: one,
      description: `Returns one: ${resource.description}`,
      scope,
      run: (call, input) => getEntity(call, resource, keyOf(input)),
    },
  ];
  const verbs = { create: ['POST', `/backend/${name}`], update: ['PUT', one], delete: ['DELETE', one] } as const;
  for (const verb of resource.verbs) {
    const [method, path] = verbs[verb];
    operations.push({
      name: `${scope}.${verb}`,
      method,
      path,
      description: `${verb === 'create' ? 'Creates' : verb === 'update' ? 'Updates' : 'Deletes'}: ${resource.description}`,
      scope,
      status: verb === 'create' ? 201 : 200,
      incoming: verb === 'delete' ? undefined : body,
      outgoing: messageSchema,
      async run(call, input) {
        const change: Change = { resource: name, verb };
        if (verb !== 'create') {
          change.key = keyOf(input);
        }
        if (verb !== 'delete') {
          change.data = (input.body ?? {}) as Record<string, unknown>;
        }
        const id = await changeEntity(call, resource, change);
        return { success: true, message: `${title} successfully ${verb}d`, id: String(id) };
      },
    });
  }
  return operations;
}

function filterParameters({ filters = {} }: Resource): Record<string, ParameterRecord> {
  return Object.fromEntries(
    Object.entries(filters).map(([column, description]) => [column, { type: 'string', description }]),
  );
}

function filterConditions({ table, filters = {} }: Resource, query: Record<string, unknown>): SQL[] {
  const columns = getTableColumns(table) as Record<string, any>;
  return Object.keys(filters).flatMap((column) => (query[column] ? [eq(columns[column], query[column])] : []));
}

function withName(body: ReturnType<typeof writable>, name: TSchema): TSchema {
  return 'name' in body.properties
    ? Type.Object(
        { ...body.properties, name: Type.Optional(name) },
        { description: (body as TSchema & { description?: string }).description },
      )
    : body;
}

export const collectionParameters: Record<string, ParameterRecord> = {
  startIndex: { type: 'integer', minimum: 0, description: 'How many entries to skip' },
  count: { type: 'integer', minimum: 1, maximum: 1024, description: 'How many entries to return, 16 unless given' },
  search: { type: 'string', description: 'Words, "strings", field:value, AND, OR, NOT, ( )' },
  sortBy: { type: 'string', description: 'Column to sort by' },
  sortOrder: { type: 'string', description: 'asc or desc' },
};

const taxonomyParameter: Record<string, ParameterRecord> = {
  taxonomy: { type: 'integer', description: 'Only what is at this node of the taxonomy' },
};

export const messageSchema = Type.Object({
  success: Type.Boolean(),
  message: Type.String(),
  id: Type.Optional(Type.String()),
});

export function actorOf(call: Call): Actor {
  const { userId, appId, scopes } = call.caller;
  return { userId: userId ?? 0, appId, ip: call.ip, scopes: [...scopes], origin: originOf(call.request.cf) };
}

/**
 * Applies one change, through the publisher or directly, and returns the row's id. `actor` is the caller unless given; `limit`
 * must hold with the change (live data only).
 */
export async function changeEntity(
  call: Call,
  resource: Resource,
  change: Change,
  { actor = actorOf(call), limit }: { actor?: Actor; limit?: Limit } = {},
): Promise<number> {
  if (resource.versioned) {
    const { results } = await call.runtime.publishing.commit({
      tenant: call.tenant,
      changes: [change],
      actor,
    });
    return results[0]!.id;
  }
  return changeLive(call, change, actor, limit);
}

/** A row by id or `~name`, among those that `more` allows. Throws 404 when there is none and 410 when it was deleted. */
export async function findRow(call: Call, resource: Resource, key: string, more?: SQL): Promise<Row> {
  const columns = resource.table as any;
  const named = key.startsWith('~');
  const condition = named ? eq(columns[resource.named], key.slice(1)) : eq(columns.id, Number(key));
  const alive = columns.status === undefined ? sql`1` : sql`${columns.status} <> ${resource.deleted}`;
  const find = async (among?: SQL) =>
    (await drizzle(call.runtime.env.DB)
      .select()
      .from(resource.table)
      .where(and(ofTenant(resource, call.tenant), condition, visibleTo(call, resource), more, among))
      .orderBy(desc(alive), desc(columns.id))
      .limit(1)) as Row[];
  // Names have an index of what is not deleted, which SQLite takes where its condition is written out.
  const indexed = named && resource.named in resource.unique && resource.deleted === 0;
  const [living] = indexed ? await find(sql`${columns.status} > 0`) : [];
  const row = living ?? (await find())[0];
  if (row === undefined) {
    throw new ApiError('not_found', `Could not find ${resource.name}`);
  }
  if (row.status === resource.deleted) {
    throw new ApiError('deleted', `${resource.title} was deleted`);
  }
  return row;
}

/** The entity view: every member that is not hidden; members without a value are left out. */
export async function getEntity(
  call: Call,
  resource: Resource,
  key: string,
  more?: SQL,
): Promise<Record<string, unknown>> {
  const row = await findRow(call, resource, key, more);
  const entity = entityOf(resource, row, false);
  await resource.extend?.([row], [entity], readingOf(call));
  return entity;
}

export interface CollectionQuery {
  startIndex?: number;
  count?: number;
  search?: string;
  sortBy?: string;
  sortOrder?: string;
}

export interface Collection extends Bounds {
  totalResults: number;
  startIndex: number;
  itemsPerPage: number;
  entry: Record<string, unknown>[];
}

/** A page of an entity's list view. `more` narrows it further. */
export async function listEntities(
  call: Call,
  resource: Resource,
  query: CollectionQuery,
  more?: SQL,
): Promise<Collection> {
  const condition = and(ofTenant(resource, call.tenant), shown(call, resource, query, more));
  const startIndex = query.startIndex ?? 0;
  const itemsPerPage = query.count ?? 16;
  const db = drizzle(call.runtime.env.DB);
  const [counted, rows] = await db.batch([
    db.select({ count: sql<number>`count(*)` }).from(resource.table).where(condition),
    db
      .select()
      .from(resource.table)
      .where(condition)
      .orderBy(...orderOf(resource, query))
      .limit(itemsPerPage)
      .offset(startIndex),
  ]);
  const entry = await entriesOf(call, resource, rows as Row[]);
  return { totalResults: counted[0]?.count ?? 0, startIndex, itemsPerPage, entry };
}

/** The same of a table that grows without end, for a range of its dates, which an index by tenant and date finds; newest first. */
export async function listGrowing(
  call: Call,
  resource: Resource,
  query: CollectionQuery,
  range: Pick<Walk, 'along' | 'from' | 'to'>,
  more?: SQL,
): Promise<Collection> {
  const table = resource.table as any;
  const startIndex = query.startIndex ?? 0;
  const itemsPerPage = query.count ?? 16;
  const { rows, total, bounds } = await growingPage(
    call.runtime.env.DB,
    { table, key: eq(table.tenant_id, call.tenant), ...range },
    {
      where: shown(call, resource, query, more),
      order: query.sortBy === undefined ? [desc(range.along), desc(table.id)] : orderOf(resource, query),
      startIndex,
      count: itemsPerPage,
    },
  );
  const entry = await entriesOf(call, resource, rows);
  return { totalResults: total, startIndex, itemsPerPage, entry, ...bounds };
}

/** What lists show of a tenant's rows. */
function shown(call: Call, resource: Resource, query: CollectionQuery, more: SQL | undefined): SQL | undefined {
  const { status } = getTableColumns(resource.table) as Record<string, any>;
  return and(
    status === undefined ? undefined : and(gt(status, 0), ne(status, resource.deleted)),
    visibleTo(call, resource),
    more,
    conditionOf(resource, query.search),
  );
}

async function entriesOf(call: Call, resource: Resource, rows: Row[]): Promise<Record<string, unknown>[]> {
  const entry = rows.map((row) => entityOf(resource, row, true));
  await resource.extendList?.(rows, entry, readingOf(call));
  return entry;
}

function conditionOf(resource: Resource, search: string | undefined): SQL | undefined {
  if (search === undefined || search.trim() === '') {
    return undefined;
  }
  const parsed = parseSearch(search);
  if (!parsed.ok) {
    throw invalidParameter('search', `${parsed.message} (character ${parsed.position + 1})`, 'search');
  }
  return searchCondition(parsed.query, visibleColumns(resource), resource.search);
}

/** Sealed and hidden columns can be neither searched nor sorted by: both would tell about them. */
function visibleColumns(resource: Resource): Record<string, any> {
  const columns = getTableColumns(resource.table) as Record<string, any>;
  // Callers name columns: `hasOwnProperty` is none.
  const visible: Record<string, any> = Object.assign(Object.create(null), { id: columns.id });
  for (const [member, field] of Object.entries(resource.fields)) {
    const column = columnOf(member);
    if (!field.hidden && !field.virtual && columns[column].dataType !== 'json') {
      visible[column] = columns[column];
    }
  }
  return visible;
}

function orderOf(resource: Resource, query: CollectionQuery): SQL[] {
  const columns = getTableColumns(resource.table) as Record<string, any>;
  const chosen = query.sortBy === undefined ? undefined : visibleColumns(resource)[query.sortBy];
  const column = chosen ?? columns[resource.order.column];
  const direction = query.sortOrder?.toLowerCase() ?? (chosen === undefined ? resource.order.direction : 'asc');
  return direction === 'desc' ? [desc(column), desc(columns.id)] : [asc(column), asc(columns.id)];
}

/** Deliveries that a webhook shows. */
const latestDeliveries = 8;
/** Failures that a cronjob shows. */
const latestErrors = 8;

function readingOf(call: Call): Reading {
  const { env } = call.runtime;
  return {
    now: call.runtime.now,
    async select(table, where, latest) {
      const columns = table as any;
      const found = drizzle(env.DB)
        .select()
        .from(table)
        .where(and(eq(columns.tenant_id, call.tenant), gt(columns.status, 0), where));
      return (await (latest === undefined ? found : found.orderBy(desc(columns.id)).limit(latest))) as Row[];
    },
    open: async (envelope, name) =>
      isEnvelope(envelope) ? open(envelope, `${call.tenant}/${name}`, secretsOf(env)) : '',
    async deliveries(id) {
      const lane = laneOf(env, { tenant: call.tenant, kind: 'webhook', id });
      const { jobs } = await lane.list({}, 0, latestDeliveries);
      return jobs.map(deliveryOf);
    },
    health: async (id) => healthOf(await laneOf(env, { tenant: call.tenant, kind: 'webhook', id }).health()),
    lastRuns: (cronjobs) =>
      drizzle(env.DB)
        .select()
        .from(cronjobRuns)
        .where(
          sql`id IN (SELECT (SELECT max(id) FROM cronjob_run WHERE cronjob_id = job.value AND started IS NOT NULL)
                     FROM json_each(${JSON.stringify(cronjobs)}) AS job)`,
        ),
    failedRuns: (cronjob) =>
      drizzle(env.DB)
        .select()
        .from(cronjobRuns)
        .where(and(eq(cronjobRuns.cronjob_id, cronjob), inArray(cronjobRuns.status, ['failed', 'lost'])))
        .orderBy(desc(cronjobRuns.id))
        .limit(latestErrors),
  };
}
