import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { httpComposition } from '../../worker/actions/http-composition.ts';
import { ApiError } from '../../worker/core/errors.ts';
import { breakers } from '../../worker/lib/breaker.ts';
import {
  deadUrl,
  failureOf,
  type InputShape,
  loopback,
  makeContext,
  makeInput,
  startUpstream,
  type Upstream,
} from './harness.ts';

let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream((request, response, recorded) => {
    const path = new URL(request.url!, 'http://x').pathname;
    const answers: Record<string, [number, string | null, string]> = {
      '/json': [200, 'application/json; charset=utf-8', '{"a":1}'],
      '/problem': [404, 'application/problem+json', '{"title":"no"}'],
      '/text': [200, 'text/plain', 'plain ä'],
      '/untyped': [200, null, '{"a":1}'],
      '/empty': [200, 'application/json', ''],
      '/broken': [200, 'application/json', '{"a":'],
      '/echo': [200, 'text/plain', `${recorded.method} ${recorded.body} ${request.headers['x-fusio-operation-id']}`],
      '/large': [200, 'text/plain', 'x'.repeat(9 * 1024 * 1024)],
    };
    const [status, type, body] = answers[path]!;
    response.writeHead(status, type === null ? {} : { 'content-type': type });
    response.end(body);
  });
});
afterAll(() => upstream.close());
beforeEach(() => breakers.reset());

const run = (paths: string[], shape: InputShape = {}, context = makeContext()) =>
  httpComposition.run(
    makeInput(shape),
    { url: paths.map((path) => (path.startsWith('/') ? upstream.url + path : path)) },
    context,
  );

describe('HTTP-Composition', () => {
  it('answers with the decoded body of every url, by url, in the order of the configuration', async () => {
    const response = await run(['/text', '/json', '/problem', '/untyped', '/empty']);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      [`${upstream.url}/text`]: 'plain ä',
      [`${upstream.url}/json`]: { a: 1 },
      [`${upstream.url}/problem`]: { title: 'no' },
      [`${upstream.url}/untyped`]: '{"a":1}',
      [`${upstream.url}/empty`]: null,
    });
    expect(Object.keys(JSON.parse(text))[0]).toBe(`${upstream.url}/text`);
  });

  it('gives the same body to all, also one that came as a stream', async () => {
    const body = new Response('shared').body!;
    const answered = await (await run(['/echo', '/echo?2'], { method: 'POST', body })).json();
    expect(Object.values(answered as object)).toEqual(['POST shared 7', 'POST shared 7']);
  });

  it('refuses a body that it would have to keep and cannot', async () => {
    const body = new Response(new Uint8Array(1024 * 1024 + 1)).body!;
    expect((await failureOf(run(['/echo'], { method: 'POST', body }))).code).toBe('body_too_large');
  });

  it('calls all at once, but never more than six', async () => {
    let open = 0;
    let most = 0;
    const context = makeContext({
      egress: {
        async fetch(url, init, options) {
          most = Math.max(most, ++open);
          // Lets everybody come who can.
          await new Promise((resolve) => setTimeout(resolve, 5));
          const response = await loopback.fetch(url, init, options);
          open -= 1;
          return response;
        },
      },
    });
    const paths = Array.from({ length: 14 }, (_, index) => `/json?${index}`);
    const answered = (await (await run(paths, {}, context)).json()) as object;
    expect(Object.keys(answered)).toHaveLength(14);
    expect(most).toBe(6);
  });

  it('fails as a whole and names the url when one cannot be reached', async () => {
    const dead = `${await deadUrl()}/x`;
    const failure = await failureOf(run(['/json', dead, '/text']));
    expect(failure).toMatchObject({ code: 'bad_gateway', status: 502 });
    expect(failure.message).toContain(dead);
  });

  it('holds the failure of one against no other', async () => {
    let aborted = 0;
    const context = makeContext({
      egress: {
        fetch: (url, _init, options) =>
          new Promise((_, reject) => {
            if (new URL(url).hostname === 'dead.example') {
              setTimeout(() => reject(new ApiError('bad_gateway')), 5);
            }
            options?.signal?.addEventListener('abort', () => {
              aborted += 1;
              reject(new ApiError('bad_gateway'));
            });
          }),
      },
    });
    const config = { url: ['http://dead.example/', 'http://slow.example/'] };
    for (let count = 0; count < 6; count++) {
      await failureOf(httpComposition.run(makeInput({ method: 'POST' }), config, context));
    }
    expect(aborted).toBeGreaterThanOrEqual(5);
    expect(breakers.admit(' http://dead.example', Date.now()).admitted).toBe(false);
    expect(breakers.isSuspect(' http://slow.example', Date.now())).toBe(false);
  });

  it.each(['/broken', '/large'])('fails when an answer is not what it can take: %s', async (path) => {
    expect(await failureOf(run([path]))).toMatchObject({ code: 'bad_gateway' });
  });

  it('fails when one of them breaks off', async () => {
    const dying = await startUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
      response.write('a part');
      setTimeout(() => response.destroy(), 10);
    });
    expect(await failureOf(run([`${dying.url}/`]))).toMatchObject({ code: 'bad_gateway' });
    await dying.close();
  });

  it('fails when one of them never finishes its answer', async () => {
    const slow = await startUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('one byte, then silence');
    });
    const failure = await failureOf(run([`${slow.url}/`, '/json'], {}, makeContext({ timeout: 1_000 })));
    expect(failure.status).toBe(504);
    await slow.close();
  });
});
