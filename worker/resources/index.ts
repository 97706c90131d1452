import { drizzle } from 'drizzle-orm/d1';
import type { Actor } from '../core/ports.ts';
import type { Env } from '../env.ts';
import { secretsOf } from '../lib/derive.ts';
import { isEnvelope, isSealOf, open, seal } from '../lib/seal.ts';
import { action } from './action.ts';
import { agent } from './agent.ts';
import { app } from './app.ts';
import { applyChange } from './apply.ts';
import { authorityOf } from './authority-read.ts';
import { bundle } from './bundle.ts';
import { category } from './category.ts';
import { commits } from './commit.ts';
import { config } from './config.ts';
import { connection } from './connection.ts';
import { cronjob } from './cronjob.ts';
import type { Resource } from './define.ts';
import { event } from './event.ts';
import { firewall } from './firewall.ts';
import { form } from './form.ts';
import { identity } from './identity.ts';
import { operation } from './operation.ts';
import { page } from './page.ts';
import { plan } from './plan.ts';
import { rate } from './rate.ts';
import { role } from './role.ts';
import { schema } from './schema.ts';
import { scope } from './scope.ts';
import { taxonomy } from './taxonomy.ts';
import { tenant as tenantResource } from './tenant.ts';
import { trigger } from './trigger.ts';
import { user } from './user.ts';
import { createView, type View } from './view.ts';
import { webhook } from './webhook.ts';

/** Every managed entity. A new one is a new file and a line here. */
export const resources: ReadonlyMap<string, Resource> = new Map(
  [
    operation,
    action,
    schema,
    connection,
    scope,
    rate,
    role,
    config,
    user,
    app,
    agent,
    bundle,
    category,
    cronjob,
    event,
    firewall,
    form,
    identity,
    page,
    plan,
    taxonomy,
    trigger,
    webhook,
  ].map((resource) => [resource.name, resource]),
);

/** With what only operations of its own manage. */
const stored: ReadonlyMap<string, Resource> = new Map([...resources, [tenantResource.name, tenantResource]]);

/** The rows of a tenant, ready for changes by `actor`. */
export function openView(env: Env, tenant: string, actor: Actor, now: number): View {
  const secrets = secretsOf(env);
  const db = drizzle(env.DB);
  return createView({
    db,
    tenant,
    actor,
    now,
    secrets,
    resources: stored,
    commits,
    authority: () => authorityOf(db, tenant, actor),
    async seal(plain, before, name) {
      const place = `${tenant}/${name}`;
      return isEnvelope(before) && isSealOf(plain, before, place, secrets) ? before : seal(plain, place, secrets);
    },
    unseal: (envelope, name) => open(envelope, `${tenant}/${name}`, secrets),
    apply(view, change) {
      const resource = stored.get(change.resource);
      if (resource === undefined) {
        throw new Error(`Unknown resource ${change.resource}`);
      }
      return applyChange(resource, view, change);
    },
  });
}
