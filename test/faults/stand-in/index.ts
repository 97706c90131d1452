import { DurableObject } from 'cloudflare:workers';

// A worker with nothing of the product in it, for the tests of the rig: it calls one binding per request.

let isolate = 0;

export class Publisher extends DurableObject {}
export class TokenFamily extends DurableObject {}
export class Outbox extends DurableObject {}
export class Lane extends DurableObject {}
export class Idempotency extends DurableObject {}

/** Counts, in storage and in memory. */
export class Limiter extends DurableObject<{ DB: D1Database }> {
  #remembered = 0;

  async take(): Promise<{ stored: number; remembered: number }> {
    const stored = ((await this.ctx.storage.get<number>('count')) ?? 0) + 1;
    await this.ctx.storage.put('count', stored);
    this.#remembered += 1;
    return { stored, remembered: this.#remembered };
  }

  query(): Promise<unknown> {
    return this.env.DB.prepare('SELECT 1 AS one').first();
  }

  async plan(inMilliseconds: number): Promise<number | null> {
    await this.ctx.storage.setAlarm(Date.now() + inMilliseconds);
    return this.ctx.storage.getAlarm();
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.put('count', 100);
  }
}

interface StandInEnv {
  DB: D1Database;
  CONTENT: KVNamespace;
  USAGE: AnalyticsEngineDataset;
  LIMITER: DurableObjectNamespace<Limiter>;
}

const actions: Record<string, (env: StandInEnv, input: any) => Promise<unknown>> = {
  isolate: async () => (isolate ||= Math.random()),
  now: async () => [Date.now(), new Date().toISOString(), new Date(5).toISOString()],
  take: (env, { name }) => env.LIMITER.getByName(name).take(),
  query: (env) => env.LIMITER.getByName('q').query(),
  plan: (env, { name, wait }) => env.LIMITER.getByName(name).plan(wait),
  all: (env, { sql, values = [] }) =>
    env.DB.prepare(sql)
      .bind(...values)
      .all(),
  first: (env, { sql }) => env.DB.prepare(sql).first(),
  batch: (env, { sqls }) => env.DB.batch(sqls.map((sql: string) => env.DB.prepare(sql))),
  fill: (env, { size }) => env.DB.prepare('INSERT INTO note (text) VALUES (?)').bind('x'.repeat(size)).run(),
  many: async (env, { count }) => {
    for (let done = 0; done < count; done += 100) {
      await env.DB.batch(Array.from({ length: 100 }, () => env.DB.prepare('SELECT 1')));
    }
  },
  put: (env, { key, value }) => env.CONTENT.put(key, value),
  get: (env, { key }) => env.CONTENT.get(key),
  getMany: async (env, { keys }) => [...(await env.CONTENT.get(keys as string[]))],
  keep: (_, { url, text }) =>
    caches.default.put(url, new Response(text, { headers: { 'cache-control': 'max-age=60' } })),
  recall: async (_, { url }) => (await (await caches.default.match(url))?.text()) ?? null,
  points: async (env, { count, blobs = [] }) => {
    for (let done = 0; done < count; done += 1) {
      env.USAGE.writeDataPoint({ blobs, indexes: ['i'] });
    }
  },
  fetch: async (_, { url }) => (await fetch(url)).text(),
  send: async (_, { url, text, how }) => {
    const stream = new Response(text).body;
    const init = { method: 'POST', headers: { 'x-how': how }, body: how === 'stream' ? stream : text };
    return (await (how === 'request' ? fetch(new Request(url, init)) : fetch(url, init))).text();
  },
  cache: async (_, { url }) => {
    await caches.default.put(url, new Response('cached', { headers: { 'cache-control': 'max-age=60' } }));
    return (await caches.default.match(url))?.text();
  },
};

/** POST /ACTION with its input as JSON; answers the result, or 500 with the error's message and flags. */
export default {
  async fetch(request: Request, env: StandInEnv): Promise<Response> {
    const text = await request.text();
    try {
      if (new URL(request.url).pathname === '/system/setup') {
        const exists = (await env.CONTENT.get('setup')) !== null;
        await env.CONTENT.put('setup', 'done');
        return new Response(null, { status: exists ? 410 : 201 });
      }
      const action = actions[new URL(request.url).pathname.slice(1)];
      return Response.json((await action?.(env, text === '' ? {} : JSON.parse(text))) ?? null);
    } catch (error) {
      const { message, retryable, overloaded } = error as Error & { retryable?: boolean; overloaded?: boolean };
      return Response.json({ message, retryable, overloaded }, { status: 500 });
    }
  },
  async scheduled(event: ScheduledController): Promise<void> {
    console.log(`cron ${event.cron} ${event.scheduledTime}`);
  },
};
