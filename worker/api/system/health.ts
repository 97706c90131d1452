import { and, asc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { connectionType } from '../../connections/index.ts';
import { openConnection } from '../../connections/open.ts';
import type { Runtime } from '../../core/runtime.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { observerDrops } from '../../gateway/observe.ts';
import { within } from '../../lib/deadline.ts';
import { secretsOf } from '../../lib/derive.ts';
import { open } from '../../lib/seal.ts';
import { connections } from '../../resources/connection.ts';

interface Check {
  healthy: boolean;
  error?: string;
  [detail: string]: unknown;
}

/** Milliseconds that a connection has to answer, and that its state is remembered: anybody may ask for it. */
const patience = 2_000;
const memory = 10_000;
/** Connections that are asked. */
const most = 50;

/**
 * `GET /system/health`: the platform's own parts, and every connection whose class can be asked. 503 when a part fails
 * without which requests cannot be served and managed; a connection that does not answer only says so.
 */
export async function health(runtime: Runtime, tenant: string, load: () => Promise<Snapshot>): Promise<Response> {
  const check = (probe: () => Promise<unknown>) => checked(runtime, probe);
  const [configuration, database, logs, others] = await Promise.all([
    check(load),
    check(() => runtime.env.DB.prepare('SELECT 1').first()),
    check(() => runtime.env.LOGS.prepare('SELECT 1').first()),
    checkConnections(runtime, tenant, load).catch(() => ({})),
  ]);
  const own = { configuration, database, logs: { ...logs, dropped: observerDrops() } };
  const checks: Record<string, Check> = { ...others, ...own };
  const works = Object.values(own).every(({ healthy }) => healthy);
  return Response.json(
    { healthy: Object.values(checks).every(({ healthy }) => healthy), checks },
    works
      ? { headers: { 'Cache-Control': 'no-store' } }
      : { status: 503, headers: { 'Cache-Control': 'no-store', 'Retry-After': '5' } },
  );
}

/** The same as an operation, so that documents tell of it; requests come to the fixed route, which needs no configuration. */
export const healthOperation: SystemOperation = {
  name: 'system.meta.getHealth',
  method: 'GET',
  path: '/system/health',
  description: 'Whether the platform and its connections work',
  scope: null,
  run: ({ runtime, tenant, snapshot }) => health(runtime, tenant, async () => snapshot),
};

async function checked(runtime: Runtime, probe: () => Promise<unknown>): Promise<Check> {
  try {
    await probe();
    return { healthy: true };
  } catch (thrown) {
    runtime.report('health', thrown);
    // What went wrong is for the error log: anybody may read this.
    return { healthy: false, error: 'not reachable' };
  }
}

const remembered = new Map<string, { at: number; checks: Record<string, Check> }>();

async function checkConnections(
  runtime: Runtime,
  tenant: string,
  load: () => Promise<Snapshot>,
): Promise<Record<string, Check>> {
  const known = remembered.get(tenant);
  if (known !== undefined && runtime.now() - known.at < memory) {
    return known.checks;
  }
  const rows = await drizzle(runtime.env.DB)
    .select({ name: connections.name, class: connections.class })
    .from(connections)
    .where(and(eq(connections.tenant_id, tenant), eq(connections.status, 1)))
    .orderBy(asc(connections.id))
    .limit(most);
  const asked = rows.filter((row) => connectionType(row.class)?.ping !== undefined);
  const snapshot = await load();
  const found = asked.map(
    async (row): Promise<[string, Check]> => [
      row.name,
      await checked(runtime, () => within(patience, 'The connection', () => ping(runtime, snapshot, row))),
    ],
  );
  const checks = Object.fromEntries(await Promise.all(found));
  remembered.set(tenant, { at: runtime.now(), checks });
  return checks;
}

async function ping(runtime: Runtime, snapshot: Snapshot, row: { name: string; class: string }): Promise<void> {
  const { env, egress } = runtime;
  const { tenant } = snapshot;
  const secrets = secretsOf(env);
  const client = await openConnection(
    snapshot,
    row.name,
    (envelope, place) => open(envelope, `${tenant}/${place}`, secrets),
    { env, tenant, egress, timeout: patience },
  );
  await connectionType(row.class)!.ping!(client);
}
