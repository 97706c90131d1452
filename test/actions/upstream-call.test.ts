import { beforeEach, describe, expect, it } from 'vitest';
import { httpProcessor } from '../../worker/actions/http-processor.ts';
import { http as httpConnection } from '../../worker/connections/http.ts';
import { ApiError } from '../../worker/core/errors.ts';
import { breakers } from '../../worker/lib/breaker.ts';
import {
  deadUrl,
  failureOf,
  type InputShape,
  makeContext,
  makeInput,
  startUpstream,
  type TestContext,
} from './harness.ts';

beforeEach(() => breakers.reset());

describe('an upstream that fails', () => {
  /** An egress that gives these outcomes in turn: a status, or what went wrong. */
  function scripted(outcomes: (number | ApiError)[], given: Partial<TestContext> = {}) {
    const calls: { method: string; body: unknown }[] = [];
    const context = makeContext({
      ...given,
      egress: {
        async fetch(_url, init) {
          calls.push({ method: init!.method!, body: init!.body });
          const outcome = outcomes.shift() ?? 200;
          if (typeof outcome === 'number') {
            return new Response(null, { status: outcome });
          }
          throw outcome;
        },
      },
    });
    const run = (shape: InputShape = {}) =>
      httpProcessor.run(makeInput(shape), { url: 'http://upstream.example/' }, context);
    return { calls, context, run };
  }

  const lost = () => new ApiError('bad_gateway', undefined, { cause: new Error('Network connection lost.') });
  const refused = () =>
    new ApiError('bad_gateway', undefined, {
      cause: new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
    });

  it.each([
    ['GET', undefined],
    ['HEAD', undefined],
    ['PUT', 'body'],
    ['DELETE', undefined],
    ['DELETE', 'body'],
  ])('is tried again for %s with body %s', async (method, body) => {
    const { calls, run } = scripted([lost(), lost()]);
    expect((await run({ method, body })).status).toBe(200);
    expect(calls).toHaveLength(3);
    expect(new Set(calls.map((call) => String(call.body))).size).toBe(1);
  });

  it('is tried three times at most', async () => {
    const { calls, run } = scripted([lost(), lost(), lost(), lost()]);
    expect((await failureOf(run())).code).toBe('bad_gateway');
    expect(calls).toHaveLength(3);
  });

  it.each([
    ['POST', 'body'],
    ['POST', undefined],
    ['PATCH', 'body'],
  ])('is not tried again for %s with body %s, because it may have been heard', async (method, body) => {
    const { calls, run } = scripted([lost()]);
    expect((await failureOf(run({ method, body }))).code).toBe('bad_gateway');
    expect(calls).toHaveLength(1);
  });

  it('is tried again for POST when it certainly was not heard', async () => {
    const { calls, run } = scripted([refused()]);
    expect((await run({ method: 'POST', body: 'x' })).status).toBe(200);
    expect(calls).toHaveLength(2);
  });

  it.each(['PUT', 'POST'])('is never tried again with a streamed body (%s)', async (method) => {
    const { calls, run } = scripted([refused()]);
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
    expect((await failureOf(run({ method, body }))).code).toBe('bad_gateway');
    expect(calls).toHaveLength(1);
  });

  it.each([500, 502, 503, 504, 429])('has its say with a status: %d is passed on, once', async (status) => {
    const { calls, run } = scripted([status]);
    expect((await run()).status).toBe(status);
    expect(calls).toHaveLength(1);
  });

  it.each([
    'egress_denied',
    'upstream_timeout',
    'loop_detected',
  ] as const)('is not tried again after %s', async (code) => {
    const { calls, run } = scripted([new ApiError(code)]);
    expect((await failureOf(run())).code).toBe(code);
    expect(calls).toHaveLength(1);
  });

  it('is not tried again when the time is over', async () => {
    let now = 0;
    const { calls, run } = scripted([lost(), lost()], {
      now: () => (now += 4_000),
      timeout: 9_000,
      random: () => 0.999,
    });
    expect((await failureOf(run())).code).toBe('bad_gateway');
    expect(calls).toHaveLength(1);
  });

  it.each([
    [521, 'bad_gateway'],
    [522, 'upstream_timeout'],
    [530, 'bad_gateway'],
  ])('is understood when the platform says so by the status %d', async (status, code) => {
    const context = makeContext({
      egress: { fetch: async () => new Response('x', { status, headers: { server: 'cloudflare' } }) },
    });
    const run = httpProcessor.run(makeInput({ method: 'POST' }), { url: 'http://upstream.example/' }, context);
    expect((await failureOf(run)).code).toBe(code);
  });

  it('gives 502 when nobody listens and 504 when nobody answers', async () => {
    const dead = httpProcessor.run(makeInput(), { url: await deadUrl() }, makeContext());
    expect(await failureOf(dead)).toMatchObject({ code: 'bad_gateway', status: 502 });
    const silent = await startUpstream(() => {});
    const late = httpProcessor.run(makeInput(), { url: silent.url }, makeContext({ timeout: 100 }));
    expect(await failureOf(late)).toMatchObject({ code: 'upstream_timeout', status: 504 });
    await silent.close();
  });

  it('is waited for no longer than its connection says', async () => {
    const timeouts: (number | undefined)[] = [];
    const context = makeContext({
      now: () => 0,
      timeout: 9_000,
      connection: async () => httpConnection.open({ url: 'http://a.example', timeout: '1.5' }, {} as never),
      egress: {
        async fetch(_url, _init, options) {
          timeouts.push(options?.timeout);
          return new Response();
        },
      },
    });
    await httpProcessor.run(makeInput(), { connection: 'A', url: '/' }, context);
    await httpProcessor.run(makeInput(), { url: 'http://a.example/' }, context);
    expect(timeouts).toEqual([1_500, 9_000]);
  });

  it('counts as time spent waiting', async () => {
    let now = 0;
    const context = makeContext({
      now: () => now,
      egress: {
        async fetch() {
          now += 40;
          return new Response();
        },
      },
    });
    await httpProcessor.run(makeInput(), { url: 'http://a.example/' }, context);
    expect(context.spent).toBe(40);
  });
});

describe('the circuit breaker', () => {
  /** Calls with POST, so that each is one attempt. */
  function gateway(outcome: () => Response | ApiError) {
    let now = 1_000_000;
    let calls = 0;
    const context = makeContext({
      now: () => now,
      egress: {
        async fetch() {
          calls += 1;
          const result = outcome();
          if (result instanceof ApiError) {
            throw result;
          }
          return result;
        },
      },
    });
    return {
      calls: () => calls,
      pass: (milliseconds: number) => void (now += milliseconds),
      run: (url = 'http://a.example/', tenant = '') =>
        httpProcessor
          .run(makeInput({ method: 'POST' }), { url }, { ...context, tenant })
          .then((response) => response.status)
          .catch((error: ApiError) => error.code),
      failure: (url = 'http://a.example/') =>
        failureOf(httpProcessor.run(makeInput({ method: 'POST' }), { url }, context)),
    };
  }

  it.each([
    ['bad_gateway', () => new ApiError('bad_gateway')],
    ['upstream_timeout', () => new ApiError('upstream_timeout')],
    [502, () => new Response(null, { status: 502 })],
    [503, () => new Response(null, { status: 503 })],
    [504, () => new Response(null, { status: 504 })],
  ])('opens after five times %s and tells when to come again', async (seen, outcome) => {
    const { calls, run, failure } = gateway(outcome);
    for (let count = 0; count < 5; count++) {
      expect(await run()).toBe(seen);
    }
    const refusal = await failure();
    expect(refusal).toMatchObject({ code: 'circuit_open', status: 503, headers: { 'Retry-After': '10' } });
    expect(calls()).toBe(5);
  });

  it.each([
    [500, () => new Response(null, { status: 500 })],
    [404, () => new Response(null, { status: 404 })],
    ['egress_denied', () => new ApiError('egress_denied')],
  ])('stays closed at %s', async (seen, outcome) => {
    const { run } = gateway(outcome);
    for (let count = 0; count < 12; count++) {
      expect(await run()).toBe(seen);
    }
  });

  it('probes once after ten seconds and closes when the upstream is back', async () => {
    let dead = true;
    const { calls, pass, run } = gateway(() => (dead ? new ApiError('bad_gateway') : new Response()));
    for (let count = 0; count < 5; count++) {
      await run();
    }
    pass(10_000);
    expect(await run()).toBe('bad_gateway');
    expect(await run()).toBe('circuit_open');
    expect(calls()).toBe(6);
    dead = false;
    pass(10_000);
    expect([await run(), await run()]).toEqual([200, 200]);
  });

  it('keeps origins and tenants apart', async () => {
    const { run } = gateway(() => new ApiError('bad_gateway'));
    for (let count = 0; count < 5; count++) {
      await run();
    }
    expect(await run('http://a.example/other')).toBe('circuit_open');
    expect(await run('http://a.example:81/')).toBe('bad_gateway');
    expect(await run('http://a.example/', 'other')).toBe('bad_gateway');
  });
});
