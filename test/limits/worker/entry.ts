import { DurableObject } from 'cloudflare:workers';
import * as shipped from '../../../durable-objects/limiter.ts';
import { ApiError } from '../../../worker/core/errors.ts';
import type { AttemptPolicy, LeaseRequest } from '../../../worker/core/ports.ts';
import type { RateRecord } from '../../../worker/core/records.ts';
import type { Env } from '../../../worker/env.ts';
import { takeRate } from '../../../worker/gateway/take-rate.ts';
import { underTest } from '../../faults/worker/under-test.ts';
import { aCall } from '../a-call.ts';

// The Limiter object and the rate step alone, in real isolates: what is measured here is not softened by the rest of the gateway.

export class Publisher extends DurableObject {}
export class TokenFamily extends DurableObject {}
export class Outbox extends DurableObject {}
export class Lane extends DurableObject {}
export class Idempotency extends DurableObject {}

/** Names the isolate; random values cannot be had before the first request. */
let isolate = '';

interface CallMessage {
  rates: RateRecord[];
  userId?: number;
  ip?: string;
}

/** Rates stay the same object while they say the same, as a snapshot's do. */
const known = new Map<string, RateRecord[]>();

const { handlers, object } = underTest({
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const limiter = env.LIMITER.getByName(searchParams.get('object') ?? 'one');
    switch (pathname) {
      case '/take':
        return Response.json(await limiter.take((await request.json()) as LeaseRequest));
      case '/attempt':
        return Response.json(await limiter.attempt((await request.json()) as AttemptPolicy));
      case '/succeed':
        await limiter.succeed((await request.json()) as 'one' | 'all');
        return Response.json(null);
      case '/report':
        return Response.json(await limiter.report());
      case '/stored':
        return Response.json(await (limiter as unknown as { stored(): Promise<unknown> }).stored());
      case '/call':
        return call(await request.text(), env, ctx);
      default:
        return new Response(null, { status: 404 });
    }
  },
});

export default handlers;

/** As shipped, and tells what it stores. */
export const Limiter = object(
  'LIMITER',
  class Limiter extends shipped.Limiter {
    async stored(): Promise<{ tables: string[]; windows: unknown[]; alarm: number | null }> {
      const { sql } = this.ctx.storage;
      const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
      const names = tables.map(({ name }) => name).filter((name) => !name.startsWith('_cf_'));
      const windows = names.includes('windows') ? sql.exec('SELECT key, state, spent FROM windows').toArray() : [];
      return { tables: names, windows, alarm: await this.ctx.storage.getAlarm() };
    }
  },
);

/** One call through the step; says when it was let through or refused, by the isolate's clock. */
async function call(body: string, env: Env, ctx: ExecutionContext): Promise<Response> {
  isolate ||= crypto.randomUUID();
  const { rates, ...caller } = JSON.parse(body) as CallMessage;
  const text = JSON.stringify(rates);
  known.set(text, known.get(text) ?? rates);
  const faults: string[] = [];
  const report = (place: string, thrown: unknown) => faults.push(`${place}: ${thrown}`);
  const one = aCall({ rates: known.get(text)!, env, report, defer: (work) => ctx.waitUntil(work), ...caller });
  const answer = (status: number, headers: Record<string, string>) => {
    for (const [name, value] of Object.entries(headers)) {
      one.headers.set(name, value);
    }
    return Response.json({ isolate, at: Date.now(), quota: one.quota, faults }, { status, headers: one.headers });
  };
  try {
    await takeRate(one);
    return answer(200, {});
  } catch (thrown) {
    const error = ApiError.from(thrown);
    return answer(error.status, error.headers);
  }
}
