import { and, eq, gt, isNull, or } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { RuleEntry } from '../core/ports.ts';
import type { Env } from '../env.ts';
import { limitKey } from '../lib/client-address.ts';
import { firewalls, ruleOf } from './firewall.ts';

/** The rules of a tenant that hold now or later; `now` in milliseconds. */
export async function activeRules(env: Pick<Env, 'DB'>, tenant: string, now: number): Promise<RuleEntry[]> {
  const rows = await drizzle(env.DB)
    .select()
    .from(firewalls)
    .where(
      and(
        eq(firewalls.tenant_id, tenant),
        eq(firewalls.status, 1),
        or(isNull(firewalls.expire), gt(firewalls.expire, new Date(now - day).toISOString())),
      ),
    );
  return rows.flatMap((row) => {
    const rule = ruleOf(row);
    return rule === null || rule.until * 1000 <= now ? [] : [{ id: String(row.id), ...rule }];
  });
}

/** Expiries are kept as they were written, in any zone: a day more is read than counts. */
const day = 86_400_000;

/**
 * Denies an address (IPv6: its /64) for so many seconds, unless it is denied already. Gives whether a rule was made. The rule is
 * an ordinary one, named as Fusio names it.
 */
export async function banAddress(
  env: Pick<Env, 'DB'>,
  tenant: string,
  address: string,
  { now, seconds }: { now: number; seconds: number },
): Promise<boolean> {
  const target = limitKey(address);
  const text = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  const name = `Ban-${target.replace(/[^0-9a-f]+/gi, '-')}-${text(now).replace(/\D/g, '')}`;
  const { meta } = await env.DB.prepare(
    `INSERT INTO firewall (tenant_id, status, name, type, ip, expire) SELECT ?1, 1, ?2, 0, ?3, ?4
      WHERE NOT EXISTS (SELECT 1 FROM firewall WHERE tenant_id = ?1 AND status = 1 AND type = 0 AND ip = ?3 AND expire > ?5)
      ON CONFLICT DO NOTHING`,
  )
    .bind(tenant, name, target, text(now + seconds * 1000), text(now))
    .run();
  return meta.changes > 0;
}
