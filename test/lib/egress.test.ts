import { describe, expect, test } from 'vitest';
import { createEgress, EgressError, type EgressSettings } from '../../worker/lib/egress.ts';
import { parseAllowList } from '../../worker/lib/egress-address.ts';

interface Sent {
  url: string;
  init: RequestInit & { headers: Headers; signal: AbortSignal };
}

/** An egress whose fetch records what it was asked and answers with `answer`. */
function egressOf(answer: (sent: Sent) => Promise<Response> | Response, settings: Partial<EgressSettings> = {}) {
  const sent: Sent[] = [];
  const egress = createEgress({
    allow: parseAllowList(''),
    ownHosts: ['gateway.example.com'],
    fetch: (async (url: URL, init: Sent['init']) => {
      const request = { url: String(url), init };
      sent.push(request);
      return answer(request);
    }) as unknown as typeof fetch,
    ...settings,
  });
  return { egress, sent };
}

async function failure(promise: Promise<unknown>): Promise<EgressError> {
  const thrown = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(EgressError);
  return thrown as EgressError;
}

const ok = () => new Response('ok');
const never = () => new Promise<Response>(() => {});

describe('what is sent', () => {
  test('the request as it is, with one hop more and without a host or redirects of its own', async () => {
    const { egress, sent } = egressOf(ok);
    const response = await egress.fetch('https://example.com/a?b=c', {
      method: 'POST',
      body: 'hello',
      headers: { 'X-A': '1', Host: 'internal.example' },
      redirect: 'follow',
    });
    expect(await response.text()).toBe('ok');
    expect(sent).toHaveLength(1);
    expect(sent[0]!.url).toBe('https://example.com/a?b=c');
    expect(sent[0]!.init).toMatchObject({ method: 'POST', body: 'hello', redirect: 'manual' });
    expect(Object.fromEntries(sent[0]!.init.headers)).toEqual({ 'x-a': '1', 'cdn-loop': 'postern' });
  });

  test('a redirect comes back as it is', async () => {
    const { egress, sent } = egressOf(
      () => new Response(null, { status: 302, headers: { location: 'http://169.254.169.254/' } }),
    );
    const response = await egress.fetch(new URL('https://example.com/'));
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://169.254.169.254/']);
    expect(sent).toHaveLength(1);
  });
});

describe('what is not sent', () => {
  test.each([
    ['http://127.0.0.1/', 'private-address'],
    ['http://2130706433/', 'private-address'],
    ['http://localhost/', 'private-name'],
    ['https://gateway.example.com/x', 'own-host'],
    ['ftp://example.com/', 'scheme'],
    ['http://user@example.com/', 'credentials'],
    ['/relative', 'url'],
    ['http://', 'url'],
    ['http://[::1/', 'url'],
  ])('%s: %s', async (url, detail) => {
    const { egress, sent } = egressOf(ok);
    expect(await failure(egress.fetch(url))).toMatchObject({ reason: 'denied', detail });
    expect(sent).toEqual([]);
  });

  test('the message names the host and not the path, which may hold secrets', async () => {
    const { egress } = egressOf(ok);
    const { message } = await failure(egress.fetch('http://10.0.0.1:81/secret?key=secret'));
    expect(message).toContain('http://10.0.0.1:81');
    expect(message).not.toContain('secret');
    expect((await failure(egress.fetch('http://user:secret@example.com/'))).message).not.toContain('secret');
  });

  test('the allow list opens a private host', async () => {
    const { egress, sent } = egressOf(ok, { allow: parseAllowList('127.0.0.1:9000') });
    await egress.fetch('http://127.0.0.1:9000/');
    expect(await failure(egress.fetch('http://127.0.0.1:9001/'))).toMatchObject({ reason: 'denied' });
    expect(sent).toHaveLength(1);
  });
});

describe('loops', () => {
  test.each([
    [undefined, 'postern'],
    [null, 'postern'],
    ['', 'postern'],
    ['cloudflare; loops=1', 'cloudflare; loops=1, postern'],
    ['postern, cloudflare, Postern;x=1', 'postern, cloudflare, Postern;x=1, postern'],
    ['x-postern, postern2, other;a=postern', 'x-postern, postern2, other;a=postern, postern'],
  ])('after %s it goes on as %s', async (cdnLoop, expected) => {
    const { egress, sent } = egressOf(ok, { cdnLoop });
    await egress.fetch('https://example.com/');
    expect(sent[0]!.init.headers.get('cdn-loop')).toBe(expected);
  });

  test('the fourth passage is refused', async () => {
    const { egress, sent } = egressOf(ok, { cdnLoop: 'postern, postern;a=b, cdn , POSTERN' });
    expect(await failure(egress.fetch('https://example.com/'))).toMatchObject({ reason: 'loop' });
    expect(sent).toEqual([]);
  });

  test('a gateway that calls itself in a circle stops after three', async () => {
    let calls = 0;
    const gateway = async (cdnLoop: string | null): Promise<Response> => {
      calls++;
      return egressOf(({ init }) => gateway(init.headers.get('cdn-loop')), { cdnLoop }).egress.fetch(
        'https://example.com/',
      );
    };
    await expect(gateway(null)).rejects.toMatchObject({ reason: 'loop' });
    expect(calls).toBe(4);
  });

  test('headers that are passed on count as well, and the limit can be set', async () => {
    const { egress } = egressOf(ok, { maxHops: 1 });
    const headers = { 'cdn-loop': 'postern' };
    expect(await failure(egress.fetch('https://example.com/', { headers }))).toMatchObject({ reason: 'loop' });
  });
});

describe('failures', () => {
  test('a fetch that throws, now or later, is an unreachable target', async () => {
    const cause = new TypeError('connection refused');
    const thrower = (() => {
      throw cause;
    }) as unknown as typeof fetch;
    for (const { egress } of [egressOf(() => Promise.reject(cause)), egressOf(ok, { fetch: thrower })]) {
      expect(await failure(egress.fetch('https://example.com/'))).toMatchObject({ reason: 'unreachable', cause });
    }
  });

  test('headers that do not come in time end the request, also when fetch does not heed its signal', async () => {
    const { egress, sent } = egressOf(never);
    const { signal } = new AbortController();
    for (const options of [{ timeout: 20 }, { timeout: 20, signal }]) {
      expect(await failure(egress.fetch('https://example.com/', {}, options))).toMatchObject({ reason: 'timeout' });
    }
    expect(sent[1]!.init.signal.aborted).toBe(true);
  });

  test('an answer that comes too late is let go', async () => {
    const late = Promise.withResolvers<Response>();
    const { egress } = egressOf(() => late.promise);
    await failure(egress.fetch('https://example.com/', {}, { timeout: 20 }));
    const cancelled = Promise.withResolvers<string>();
    late.resolve(new Response(new ReadableStream({ cancel: () => cancelled.resolve('cancelled') })));
    expect(await cancelled.promise).toBe('cancelled');
  });

  test('a body may take longer than the headers', async () => {
    const { egress, sent } = egressOf(ok);
    const { signal } = new AbortController();
    await egress.fetch('https://example.com/', {}, { timeout: 20, signal });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(sent[0]!.init.signal.aborted).toBe(false);
  });

  test.each(['init', 'options'] as const)("the caller's signal in the %s ends the request", async (place) => {
    const controller = new AbortController();
    const { signal } = controller;
    const { egress, sent } = egressOf(never);
    const init: RequestInit = place === 'init' ? { signal } : {};
    const answer = egress.fetch('https://example.com/', init, place === 'options' ? { signal } : {});
    controller.abort(new Error('gone'));
    expect(await failure(answer)).toMatchObject({ reason: 'aborted', cause: { message: 'gone' } });
    expect(sent[0]!.init.signal.aborted).toBe(true);
  });

  test('a signal that ended before keeps the request from being sent', async () => {
    const { egress, sent } = egressOf(ok);
    const answer = egress.fetch('https://example.com/', {}, { signal: AbortSignal.abort() });
    expect(await failure(answer)).toMatchObject({ reason: 'aborted' });
    expect(sent).toEqual([]);
  });

  test('a signal of time is a timeout', async () => {
    const { egress } = egressOf(never);
    const answer = egress.fetch('https://example.com/', {}, { signal: AbortSignal.timeout(20) });
    expect(await failure(answer)).toMatchObject({ reason: 'timeout' });
  });

  test('the signal ends the body too', async () => {
    const controller = new AbortController();
    const { egress, sent } = egressOf(ok);
    await egress.fetch('https://example.com/', {}, { signal: controller.signal });
    controller.abort();
    expect(sent[0]!.init.signal.aborted).toBe(true);
  });
});
