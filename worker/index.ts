import { Idempotency } from '../durable-objects/idempotency.ts';
import { LaneObject } from '../durable-objects/lane.ts';
import { Limiter } from '../durable-objects/limiter.ts';
import { Outbox } from '../durable-objects/outbox.ts';
import { PublisherObject } from '../durable-objects/publisher.ts';
import { TokenFamily } from '../durable-objects/token-family.ts';
import { actionTypes } from './actions/index.ts';
import { exportText } from './api/backend/backup.ts';
import { keepBackup } from './api/backend/kept-backups.ts';
import { connectionTypes } from './connections/index.ts';
import type { Call } from './core/call.ts';
import { ApiError } from './core/errors.ts';
import type { WakeUp } from './core/events.ts';
import { noSnapshot, type Snapshot } from './core/snapshot.ts';
import { checkEnv, type Env } from './env.ts';
import { fanOut } from './events/fan-out.ts';
import { createLaneWork } from './events/work.ts';
import { fixedRoute, isFixed } from './fixed-routes.ts';
import { addresseeOf, configurationOf } from './gateway/addressee.ts';
import { finish } from './gateway/finish.ts';
import { handle } from './gateway/handle.ts';
import { openCall } from './gateway/open-call.ts';
import { renderError } from './gateway/render.ts';
import { runScheduled } from './jobs/scheduled.ts';
import { secretsOf } from './lib/derive.ts';
import { requestUrl } from './lib/request-url.ts';
import { generateKey } from './oauth/keys.ts';
import { registerClasses } from './resources/action-classes.ts';
import { createRuntime } from './runtime.ts';
import { createCommitter } from './snapshot/commit.ts';

registerClasses('action', actionTypes);
registerClasses('connection', connectionTypes);

export default {
  async fetch(request: Request, environment: Env, context: ExecutionContext): Promise<Response> {
    const env = checkEnv(environment);
    const { pathname } = requestUrl(request.url);
    const unbound = createRuntime(env, context, request);
    const addressee = await addresseeOf(request, unbound);
    const { tenant, failure } = addressee;
    const runtime = tenant === '' ? unbound : createRuntime(env, context, request, tenant);
    if (failure !== null && (!isFixed(pathname) || failure.code !== 'unavailable')) {
      return refuse(openCall(request, noSnapshot(tenant), runtime), failure);
    }
    const load = () => configurationOf(request, addressee, runtime);
    if (!isFixed(pathname)) {
      let snapshot: Snapshot;
      try {
        snapshot = await load();
      } catch (thrown) {
        return refuse(openCall(request, noSnapshot(tenant), runtime), thrown);
      }
      return handle(request, snapshot, runtime);
    }
    const call = openCall(request, noSnapshot(tenant), runtime);
    try {
      const snapshot = async () => (call.snapshot = await load());
      return finish(call, await fixedRoute(request, { call, snapshot }), null);
    } catch (thrown) {
      return refuse(call, thrown);
    }
  },

  async scheduled(event: ScheduledController, environment: Env, context: ExecutionContext): Promise<void> {
    const env = checkEnv(environment);
    const runtimeOf = (tenant: string) => createRuntime(env, context, null, tenant);
    const { now } = runtimeOf('');
    await runScheduled(event.scheduledTime, {
      env,
      now,
      report: (tenant, place, thrown) => runtimeOf(tenant).report(place, thrown),
      backup: async (tenant) => {
        const reader = { tenant, runtime: runtimeOf(tenant), caller: { userId: null } };
        return keepBackup(env, tenant, now(), await exportText(reader));
      },
    });
  },

  async queue(batch: MessageBatch<WakeUp>, environment: Env, context: ExecutionContext): Promise<void> {
    const env = checkEnv(environment);
    // Wake-ups for one outbox are one.
    for (const wake of new Map(batch.messages.map(({ body }) => [JSON.stringify(body), body])).values()) {
      // What failed stays where it is: the outbox wakes us again, and so does cron.
      const { report } = createRuntime(env, context, null, wake.tenant);
      await fanOut(env, wake).catch((thrown) => report('events.fan-out', thrown));
    }
    batch.ackAll();
  },
};

function refuse(call: Call, thrown: unknown): Response {
  const error = ApiError.from(thrown);
  return finish(call, renderError(call, error), error);
}

/** Serialises the writers of a tenant's configuration; completed here with the room that computes revisions. */
export class Publisher extends PublisherObject {
  protected override readonly committer = createCommitter({
    env: checkEnv(this.env),
    now: () => Date.now(),
    report: (thrown) => console.error(JSON.stringify({ kind: 'fault', place: 'publisher', message: String(thrown) })),
    generateKey: async (name) => ({ ...(await generateKey(name, Date.now(), secretsOf(this.env))) }),
  });
}

/** Delivers what a webhook, a trigger or async runs are owed; completed here with the room that knows how. */
export class Lane extends LaneObject {
  protected override readonly work = createLaneWork(checkEnv(this.env), (tenant) =>
    createRuntime(checkEnv(this.env), this.ctx, null, tenant),
  );
}

export { Idempotency, Limiter, Outbox, TokenFamily };
