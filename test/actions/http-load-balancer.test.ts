import { beforeEach, describe, expect, it } from 'vitest';
import { httpLoadBalancer } from '../../worker/actions/http-load-balancer.ts';
import { ApiError } from '../../worker/core/errors.ts';
import { breakers } from '../../worker/lib/breaker.ts';
import { deadUrl, failureOf, type InputShape, makeContext, makeInput, startUpstream } from './harness.ts';

beforeEach(() => breakers.reset());

const names = ['a', 'b', 'c'];

/** Three servers of which some are dead; the order of choice is that of the names unless `random` says otherwise. */
function balancer(dead: Set<string>, failure = () => new ApiError('bad_gateway')) {
  const calls: string[] = [];
  let now = 1_000_000;
  let turn = 0;
  const context = makeContext({
    now: () => now,
    random: () => (turn++ % 3) / 3,
    egress: {
      async fetch(url) {
        const name = new URL(url).hostname[0]!;
        calls.push(name);
        if (dead.has(name)) {
          throw failure();
        }
        return new Response(name);
      },
    },
  });
  const config = { url: names.map((name) => `http://${name}.example/`) };
  return {
    calls,
    pass: (milliseconds: number) => void (now += milliseconds),
    run: async (shape: InputShape = {}) =>
      (await httpLoadBalancer.run(makeInput(shape), config, context)).text().catch((error) => error.code),
    failure: (shape: InputShape = {}) => failureOf(httpLoadBalancer.run(makeInput(shape), config, context)),
  };
}

describe('HTTP-Load-Balancer', () => {
  it('spreads calls over all servers', async () => {
    const [first, second] = [await startUpstream(), await startUpstream()];
    const config = { url: [`${first.url}/a`, `${second.url}/b`] };
    const context = makeContext({ random: Math.random });
    for (let count = 0; count < 40; count++) {
      expect((await httpLoadBalancer.run(makeInput({ url: '/?q=1' }), config, context)).status).toBe(200);
    }
    // Each is left out of 40 fair draws once in 10^12.
    expect(first.requests.length).toBeGreaterThan(0);
    expect(second.requests.length).toBeGreaterThan(0);
    expect(new Set([...first.requests, ...second.requests].map(({ url }) => url))).toEqual(
      new Set(['/a?q=1', '/b?q=1']),
    );
    await Promise.all([first.close(), second.close()]);
  });

  it('tries the next server when one cannot be reached, and leaves that one for last from then on', async () => {
    const { calls, run } = balancer(new Set(['a']));
    expect(await run()).toBe('b');
    expect(await run()).toBe('b');
    expect(calls).toEqual(['a', 'b', 'b']);
  });

  it('reaches the living one of a real pair each time', async () => {
    const alive = await startUpstream((_, response) => response.end('alive'));
    const config = { url: [await deadUrl(), alive.url] };
    for (let count = 0; count < 10; count++) {
      const response = await httpLoadBalancer.run(
        makeInput({ method: 'POST', body: 'x' }),
        config,
        makeContext({ random: Math.random }),
      );
      expect(await response.text()).toBe('alive');
    }
    await alive.close();
  });

  it('tries all, each once, before it fails', async () => {
    const { calls, failure } = balancer(new Set(names));
    expect((await failure()).code).toBe('bad_gateway');
    expect(calls).toEqual(['a', 'b', 'c']);
  });

  it('does not send a body twice that it cannot send twice, nor what may have been heard', async () => {
    const { calls, failure } = balancer(new Set(['a']));
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
    expect((await failure({ method: 'PUT', body })).code).toBe('bad_gateway');
    breakers.reset();
    expect((await failure({ method: 'POST', body: 'x' })).code).toBe('bad_gateway');
    expect(calls).toEqual(['a', 'a']);
  });

  it('leaves out servers whose breaker is open, even for a streamed body', async () => {
    const { calls, run } = balancer(new Set(['a']));
    for (let count = 0; count < 5; count++) {
      breakers.fail(' http://a.example', 1_000_000);
      breakers.fail(' http://b.example', 1_000_000);
    }
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
    expect(await run({ method: 'POST', body })).toBe('c');
    expect(calls).toEqual(['c']);
  });

  it('answers 503 when all breakers are open, and probes later', async () => {
    const dead = new Set(names);
    const { calls, failure, pass, run } = balancer(dead);
    for (let count = 0; count < 5; count++) {
      await failure();
    }
    expect(calls).toHaveLength(15);
    expect(await failure()).toMatchObject({ code: 'circuit_open', headers: { 'Retry-After': '10' } });
    expect(calls).toHaveLength(15);
    dead.clear();
    pass(10_000);
    expect(await run()).toBe('a');
  });

  it('does not go on after a timeout: the time is gone', async () => {
    const { calls, failure } = balancer(new Set(['a']), () => new ApiError('upstream_timeout'));
    expect((await failure()).code).toBe('upstream_timeout');
    expect(calls).toEqual(['a']);
  });

  it('says when it has nobody to call', async () => {
    const failure = await failureOf(httpLoadBalancer.run(makeInput(), { url: [] }, makeContext()));
    expect(failure.code).toBe('not_configured');
  });
});
