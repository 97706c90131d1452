import { and, eq, lt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Env } from '../env.ts';
import { revisions } from '../resources/tables.ts';
import { withdrawContents } from './content.ts';

/** Revisions and days that are kept; content that none of them references is collected. */
const retention = { revisions: 1_000, days: 90 };

/** Contents that one run deletes. */
const mostCollected = 500;

/** Deletes revisions of a tenant that are past keeping, save the newest, and content that no other has. `now` in milliseconds. */
export async function collect(env: Env, tenant: string, newest: number, now: number): Promise<void> {
  const db = drizzle(env.DB);
  const oldest = new Date(now - retention.days * 86_400_000).toISOString();
  const ours = eq(revisions.tenant_id, tenant);
  const past = and(ours, lt(revisions.date, oldest), lt(revisions.number, newest));
  const tooMany = and(ours, lt(revisions.number, newest - retention.revisions + 1));
  await db.batch([db.delete(revisions).where(past), db.delete(revisions).where(tooMany)]);
  await collectContents(env, tenant);
}

/** Deletes what was dropped before the oldest kept revision, a bounded part at a time. Runs alone with the writers waiting. */
async function collectContents(env: Env, tenant: string): Promise<void> {
  const { results } = await env.DB.prepare(
    'SELECT hash FROM content WHERE tenant_id = ?1 AND dropped <= (SELECT min(number) FROM revision WHERE tenant_id = ?1) LIMIT ?2',
  )
    .bind(tenant, mostCollected)
    .all<{ hash: string }>();
  if (results.length > 0) {
    const hashes = results.map(({ hash }) => hash);
    await withdrawContents(env, hashes);
    await env.DB.prepare('DELETE FROM content WHERE tenant_id = ? AND hash IN (SELECT value FROM json_each(?))')
      .bind(tenant, JSON.stringify(hashes))
      .run();
  }
}
