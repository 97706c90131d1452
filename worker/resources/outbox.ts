import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { json } from './columns.ts';
import type { Resource } from './define.ts';
import { entityOf } from './entity-view.ts';
import { systemEvents } from './system-events.ts';
import type { Mutation, View } from './view.ts';

/** Events of management changes, written in the batch of the change and gone when everybody who waits for them has them. */
export const outboxes = sqliteTable(
  'outbox',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tenant_id: text().notNull().default(''),
    event_id: text().notNull(),
    name: text().notNull(),
    payload: json().notNull(),
    /** Milliseconds since the epoch. */
    time: integer().notNull(),
    /** The last webhook that has it already. */
    after: integer().notNull().default(0),
  },
  (table) => [uniqueIndex('outbox_event').on(table.event_id)],
);

const raised = new Set(systemEvents);

/** What a view's mutations raise, as statements for the same batch. What nobody waits for is not written. */
export function outboxStatements(db: D1Database, view: View): D1PreparedStatement[] {
  return insertEvents(
    db,
    view.mutations.flatMap((mutation) => rowOf(view, mutation)),
  );
}

/** Whether a batch that ended with these statements wrote an event: then a consumer is to be woken. */
export function raisedAny(results: readonly D1Result[], statements: readonly D1PreparedStatement[]): boolean {
  return statements.length > 0 && results.slice(-statements.length).some(({ meta }) => meta.changes > 0);
}

/** Characters of JSON per statement: D1 takes 2 MB a value. */
const chunkSize = 1_000_000;

/** Writes events that somebody waits for; what is there already stays as it is. */
export function insertEvents(db: D1Database, rows: readonly EventRow[]): D1PreparedStatement[] {
  const statements: D1PreparedStatement[] = [];
  let texts: string[] = [];
  let size = 0;
  const flush = () => {
    if (texts.length > 0) {
      const sql = `INSERT OR IGNORE INTO outbox (tenant_id, event_id, name, payload, time)
        SELECT value ->> '$.tenant_id', value ->> '$.event_id', value ->> '$.name', value -> '$.payload', value ->> '$.time'
        FROM json_each(?) WHERE ${heard}`;
      statements.push(db.prepare(sql).bind(`[${texts.join(',')}]`));
      texts = [];
      size = 0;
    }
  };
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (size + text.length > chunkSize) {
      flush();
    }
    texts.push(text);
    size += text.length;
  }
  flush();
  return statements;
}

/** Somebody waits for the event of a row; changes of webhooks and triggers concern their lanes in any case. */
const heard = `(value ->> '$.name' LIKE 'fusio.webhook.%' OR value ->> '$.name' LIKE 'fusio.trigger.%'
  OR EXISTS (SELECT 1 FROM event JOIN webhook ON webhook.event_id = event.id AND webhook.status = 1
    WHERE event.tenant_id = value ->> '$.tenant_id' AND event.name = value ->> '$.name' AND event.status > 0 AND event.status = 1)
  OR EXISTS (SELECT 1 FROM "trigger" AS one
    WHERE one.tenant_id = value ->> '$.tenant_id' AND one.event = value ->> '$.name' AND one.status = 1))`;

/** Characters: what is larger is told by id and name, for a row holds 2 MB. */
const largestData = 500_000;

function rowOf(view: View, { resource, before, after }: Mutation) {
  const verb = before === undefined ? 'create' : after.status === resource.deleted ? 'delete' : 'update';
  const name = `fusio.${resource.name}.${verb}`;
  if (!raised.has(name)) {
    return [];
  }
  const data = masked(resource, after);
  const told = JSON.stringify(data).length > largestData ? { id: after.id, name: after.name ?? null } : data;
  return [eventRow(view.tenant, name, `/backend/${resource.name}/${after.id}`, view.now, told)];
}

export interface EventRow {
  tenant_id: string;
  event_id: string;
  name: string;
  payload: Record<string, unknown>;
  time: number;
}

/** A row of the outbox: the payload is a CloudEvent 1.0 in JSON, as Fusio's. */
export function eventRow(tenant: string, name: string, source: string, time: number, data: unknown): EventRow {
  const id = crypto.randomUUID();
  const payload = {
    specversion: '1.0',
    id,
    source,
    type: name.replace(/^fusio\./, 'org.fusio-project.'),
    datacontenttype: 'application/json',
    time: new Date(time).toISOString(),
    data,
  };
  return { tenant_id: tenant, event_id: `evt_${id.replaceAll('-', '')}`, name, payload, time };
}

/** The entity as its readers see it; what is sealed stays so. */
function masked(resource: Resource, row: Mutation['after']): unknown {
  return JSON.parse(
    JSON.stringify(entityOf(resource, row, false), (_key, member) =>
      member !== null && typeof member === 'object' && '$sealed' in member ? '********' : member,
    ),
  );
}
