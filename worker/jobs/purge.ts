import { laneOf, runShards } from '../core/lane-of.ts';
import { publisherOf } from '../core/publisher-of.ts';
import { tenantKey } from '../core/tenant.ts';
import { cronLanes } from '../cron/lane.ts';
import type { Env } from '../env.ts';
import { withdrawContents } from '../snapshot/content.ts';
import type { Sweep } from './retention.ts';

/** Removed tenants that one run works at, rows that one statement deletes, and parts of each table that one run deletes. */
const together = 5;
const stepRows = 5_000;
const steps = 20;
/** What isolates still hold of a removed tenant, log rows among them, is written within that time, milliseconds. */
const aftermath = 15 * 60_000;
/** Objects and content that one run deletes: an invocation may make so many calls only. */
const mostCalls = 200;

/**
 * Deletes what is left of removed tenants, a part at a time: what would still deliver and run first, then content and backups, then
 * rows. Their own database (`DATA_<name>`) is the operator's and stays. Counters and refresh tokens forget by themselves.
 * Null when there was nothing to do.
 */
export async function purgeTenants(env: Env, now: number): Promise<Sweep | null> {
  const { results } = await env.DB.prepare(
    'SELECT id, name, removed FROM tenant WHERE status = 0 AND purged IS NULL ORDER BY id LIMIT ?',
  )
    .bind(together)
    .all<{ id: number; name: string; removed: string }>();
  const total: Sweep = { deleted: 0, more: false };
  for (const row of results) {
    const { deleted, more } = await purge(env, tenantKey(row));
    total.deleted += deleted;
    total.more ||= more;
    if (!more && Date.parse(row.removed) < now - aftermath) {
      await env.DB.prepare('UPDATE tenant SET purged = ? WHERE id = ?').bind(new Date(now).toISOString(), row.id).run();
    }
  }
  return total.deleted > 0 || total.more ? total : null;
}

async function purge(env: Env, tenant: string): Promise<Sweep> {
  await publisherOf(env, tenant).retire();
  const silent = await silence(env, tenant);
  const kept = silent && (await forget(env, tenant));
  if (!kept) {
    return { deleted: 0, more: true };
  }
  const total: Sweep = { deleted: 0, more: false };
  for (const database of [env.DB, env.LOGS]) {
    for (const table of await tablesOf(database)) {
      const { deleted, more } = await empty(database, table, tenant);
      total.deleted += deleted;
      total.more ||= more;
    }
  }
  return total;
}

/** Ends what waits to be delivered and run. False when more is left. */
async function silence(env: Env, tenant: string): Promise<boolean> {
  for (const kind of ['webhook', 'trigger', 'cronjob'] as const) {
    const most = kind === 'cronjob' ? Math.ceil(mostCalls / 16) : mostCalls;
    const { results } = await env.DB.prepare(`SELECT id FROM "${kind}" WHERE tenant_id = ? LIMIT ${most}`)
      .bind(tenant)
      .all<{ id: number }>();
    for (const { id } of results) {
      for (const lane of kind === 'cronjob' ? cronLanes(id) : [id]) {
        await laneOf(env, { tenant, kind, id: lane }).clear();
      }
    }
    await env.DB.prepare(`DELETE FROM "${kind}" WHERE tenant_id = ? AND id IN (SELECT value FROM json_each(?))`)
      .bind(tenant, JSON.stringify(results.map(({ id }) => id)))
      .run();
    if (results.length === most) {
      return false;
    }
  }
  for (let shard = 0; shard < runShards; shard++) {
    await laneOf(env, { tenant, kind: 'run', id: shard }).clear();
  }
  return true;
}

/** Deletes content and backups from the content store. False when more is left. */
async function forget(env: Env, tenant: string): Promise<boolean> {
  const { results } = await env.DB.prepare('SELECT hash FROM content WHERE tenant_id = ? LIMIT ?')
    .bind(tenant, mostCalls)
    .all<{ hash: string }>();
  const hashes = results.map(({ hash }) => hash);
  await withdrawContents(env, hashes);
  await env.DB.prepare('DELETE FROM content WHERE tenant_id = ? AND hash IN (SELECT value FROM json_each(?))')
    .bind(tenant, JSON.stringify(hashes))
    .run();
  const { keys } = await env.CONTENT.list({ prefix: `backup/${tenant}/` });
  for (const { name } of keys) {
    await env.CONTENT.delete(name);
  }
  return hashes.length < mostCalls;
}

/** The tables whose rows belong to tenants. */
async function tablesOf(database: D1Database): Promise<string[]> {
  const { results } = await database
    .prepare(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND instr(sql, 'tenant_id') > 0 AND name <> 'tenant'
       ORDER BY name`,
    )
    .all<{ name: string }>();
  return results.map(({ name }) => name);
}

async function empty(database: D1Database, table: string, tenant: string): Promise<Sweep> {
  const statement = database
    .prepare(
      `DELETE FROM "${table}" WHERE rowid IN (SELECT rowid FROM "${table}" WHERE tenant_id = ? LIMIT ${stepRows})`,
    )
    .bind(tenant);
  let deleted = 0;
  for (let step = 0; step < steps; step++) {
    const { meta } = await statement.run();
    deleted += meta.changes;
    if (meta.changes < stepRows) {
      return { deleted, more: false };
    }
  }
  return { deleted, more: true };
}
