import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { mistakes as ofAdministrators } from './bad-input/administrators.ts';
import { clara, makeOperations, mistakes as ofCallers, order, tokens } from './bad-input/callers.ts';
import { expectError } from './bad-input/case.ts';
import { mistakes as ofUpstreams, startUpstreams, type Upstreams } from './bad-input/upstreams.ts';

// Everything that callers, administrators and upstreams do wrong: each gets its status, a body that names what is wrong,
// and an observation. Never a bare 500.

let gateway: Gateway;
let admin: Management;
let upstreams: Upstreams;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await manage(gateway);
  await makeOperations(gateway, admin);
  upstreams = await startUpstreams(admin);
});

afterAll(async () => {
  upstreams?.stop();
  await gateway?.stop();
});

describe('bad input of callers', () => {
  it.each(ofCallers)('$what: $status $code', (test) => expectError(gateway, test, test.headers?.() ?? {}));

  it('names the scope that is missing and how to authenticate', async () => {
    const headers = { Authorization: `Bearer ${tokens.narrow}` };
    const wrong = await request(gateway, 'POST', '/orders', order, { headers });
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Bearer .*error="insufficient_scope".*scope="order"/);
    const none = await request(gateway, 'POST', '/orders', order);
    expect(none.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="Fusio", resource_metadata="http.*oauth-protected-resource"/,
    );
  });

  it('lists all violations in one answer', async () => {
    const { body } = await request(gateway, 'POST', '/public-orders', { title: 'p', count: 0 });
    expect(body.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual([
      '/body/count',
      '/body/title',
    ]);
  });

  it('says Allow, Retry-After and CORS where they belong', async () => {
    const method = await request(gateway, 'DELETE', '/orders', undefined, {
      headers: { Origin: 'https://example.com' },
    });
    expect(method.headers.get('allow')).toBe('OPTIONS, POST');
    expect(method.headers.get('access-control-allow-origin')).toBe('*');
    const statuses = [];
    let limited = await request(gateway, 'GET', '/limited');
    for (let call = 0; call < 3; call++) {
      statuses.push(limited.status);
      limited = await request(gateway, 'GET', '/limited');
    }
    expect(statuses).toEqual([200, 200, 429]);
    expect(limited.body.code).toBe('rate_limited');
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(3_000);
    expect(limited.headers.get('ratelimit-limit')).toBe('2');
  });
});

describe('bad input of administrators', () => {
  it.each(ofAdministrators)('$what: $status $code', (test) =>
    expectError(gateway, test, { Authorization: `Bearer ${admin.token}` }));
});

describe('what upstreams do wrong', () => {
  it.each(ofUpstreams)('$what: $status $code', (test) => expectError(gateway, test, {}));
});

describe('every call', () => {
  it('is observed, refused ones too', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (const status of [400, 401, 403, 404, 405, 410, 413, 414, 415, 429, 431, 502, 503, 504]) {
      const row = await gateway.LOGS.prepare('SELECT count(*) AS count FROM log WHERE response_code = ?')
        .bind(status)
        .first<number>('count');
      expect(row, `log rows with status ${status}`).toBeGreaterThan(0);
    }
    expect(
      await gateway.LOGS.prepare('SELECT count(*) AS count FROM log WHERE response_code = 500').first('count'),
    ).toBe(0);
  });
});

describe('a body that is streamed on', () => {
  const send = (bytes: number) => {
    const chunk = new Uint8Array(100_000);
    let left = bytes;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        left > 0 ? controller.enqueue(chunk) : controller.close();
        left -= chunk.byteLength;
      },
    });
    return gateway.fetch('/up/large', { method: 'POST', body, duplex: 'half' } as RequestInit);
  };

  it('is refused where it turns out too large, and that is not held against the upstream', async () => {
    expect((await send(2_000_000)).status).toBe(200);
    for (let tried = 0; tried < 7; tried++) {
      const refused = await send(2_500_000);
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([413, 'body_too_large']);
    }
    expect((await send(1_000_000)).status).toBe(200);
    expect(upstreams.whole.splice(0)).toEqual([true, ...Array(7).fill(false), true]);
  });

  it.each([
    ['whose length was said', 'read', 'Content-Length: 300000', (chunk: string) => chunk],
    ['in chunks', 'read', 'Transfer-Encoding: chunked', chunked],
    ['in chunks, with a limit', 'large', 'Transfer-Encoding: chunked', chunked],
  ])('never looks whole to the upstream when the caller breaks off: %s', async (_, path, framing, frame) => {
    for (const breakOff of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
      socket.write(`POST /up/${path} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\n${framing}\r\n\r\n`);
      socket.write(frame('a'.repeat(100_000)));
      await expect.poll(() => upstreams.whole, { timeout: 10_000 }).toEqual([null]);
      socket[breakOff]();
      await expect.poll(() => upstreams.whole, { timeout: 10_000 }).toEqual([false]);
      upstreams.whole.length = 0;
    }
  });
});

describe('tokens that ended', () => {
  it('are refused after their revocation', async () => {
    const login = await request(gateway, 'POST', '/consumer/login', clara);
    const headers = { Authorization: `Bearer ${login.body.token}` };
    expect((await request(gateway, 'POST', '/orders', order, { headers })).status).toBe(200);
    await admin.must('PUT', '/backend/user/~clara', { status: 2 });
    const refused = await request(gateway, 'POST', '/orders', order, { headers });
    expect([refused.status, refused.body.code]).toEqual([401, 'invalid_token']);
  });
});

/** One chunk as it travels (RFC 9112 §7.1), and no last one. */
function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
