import { createHash } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { deadUrl, type Recorded, startUpstream } from './harness.ts';
import type { Run } from './stand-in/worker.ts';

// The same actions in the platform's own runtime: streams, WebSockets, encodings and the cache are its, not Node's.

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ entry: 'test/actions/stand-in/worker.ts' });
});
afterAll(() => gateway?.stop());

const processor = 'Fusio.Adapter.Http.Action.HttpProcessor';

const path = (run: Run, rest = '') => `/${Buffer.from(JSON.stringify(run)).toString('base64url')}${rest}`;

const proxy = (url: string, init: RequestInit = {}, more: Partial<Run> = {}) =>
  gateway.fetch(path({ class: processor, config: { url }, ...more }), init);

/** Node's client without its own ideas about encodings. */
function raw(target: string, method: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
    const request = httpRequest(gateway.url + target, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject).end();
  });
}

describe('a proxied call', () => {
  it('passes method, query, body and headers', async () => {
    const upstream = await startUpstream();
    const run: Run = {
      class: processor,
      config: { url: `${upstream.url}/x/:id`, query: 'b=9' },
      params: { id: '../7' },
    };
    const response = await gateway.fetch(path(run, '?a=%20&b=1'), {
      method: 'PUT',
      headers: { 'x-custom': 'c', authorization: 'Bearer ours', 'content-type': 'a/b', 'x-fusio-user-id': '1' },
      body: 'ä body',
    });
    const sent = (await response.json()) as Recorded;
    expect(sent).toMatchObject({ method: 'PUT', url: '/x/..%2F7?a=+&b=9', body: 'ä body' });
    expect(sent.headers).toMatchObject({ 'x-custom': 'c', 'content-type': 'a/b', 'content-length': '7' });
    expect(sent.headers['x-forwarded-host']).toBe(new URL(gateway.url).host);
    expect(sent.headers).not.toHaveProperty('authorization');
    expect(sent.headers).not.toHaveProperty('x-fusio-user-id');
    expect(response.headers.get('x-request-id')).toBe('id');
    await upstream.close();
  });

  it('streams both ways at once', async () => {
    const heard: string[] = [];
    const server = createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      request.setEncoding('utf8').on('data', (chunk: string) => {
        heard.push(chunk);
        response.write(`data: ${chunk}\n\n`);
      });
      request.on('end', () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
    const say = (text: string) => controller.enqueue(new TextEncoder().encode(text));
    say('one');
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    const response = await proxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, init);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    // Each answer arrives before the next word is said: nothing is kept back on either way.
    expect((await reader.read()).value).toBe('data: one\n\n');
    say('two');
    expect((await reader.read()).value).toBe('data: two\n\n');
    controller.close();
    expect((await reader.read()).done).toBe(true);
    expect(heard).toEqual(['one', 'two']);
    server.close();
  });

  it('is a WebSocket when both sides want one', async () => {
    const server = createServer((_, response) => response.writeHead(426).end());
    const protocols: (string | undefined)[] = [];
    server.on('upgrade', (request, socket) => {
      protocols.push(request.headers['sec-websocket-protocol']);
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: echo\r\n\r\n`,
      );
      socket.on('error', () => {});
      socket.on('data', (frame: Buffer) => {
        // A short, masked frame of a client (RFC 6455 §5.2): text is said again in capitals, a close is returned and done.
        const length = frame[1]! & 0x7f;
        const mask = frame.subarray(2, 6);
        const data = Buffer.from(frame.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index % 4]!));
        const said = (frame[0]! & 0x0f) === 1 ? Buffer.from(data.toString().toUpperCase()) : data;
        socket.write(Buffer.concat([Buffer.from([frame[0]!, said.length]), said]));
        if ((frame[0]! & 0x0f) === 8) {
          socket.end();
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const upstream = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/socket`;
    const target = path({ class: processor, config: { url: upstream } });
    const socket = new WebSocket(gateway.url.replace('http', 'ws') + target, ['echo']);
    const event = (name: 'open' | 'message' | 'close') =>
      new Promise<any>((resolve) => socket.addEventListener(name, resolve, { once: true }));
    await event('open');
    expect(socket.protocol).toBe('echo');
    socket.send('hello');
    expect((await event('message')).data).toBe('HELLO');
    socket.send('again');
    expect((await event('message')).data).toBe('AGAIN');
    const closed = event('close');
    socket.close(4001, 'enough');
    expect((await closed).code).toBe(4001);
    expect(protocols).toEqual(['echo']);
    server.closeAllConnections();
    server.close();
  });

  it('passes an encoded answer on as it is, and only to those who understand it', async () => {
    const text = JSON.stringify({ text: 'x'.repeat(5_000) });
    const upstream = await startUpstream((request, response) => {
      if (/\bgzip\b/.test(String(request.headers['accept-encoding']))) {
        const packed = gzipSync(text);
        response.writeHead(200, {
          'content-encoding': 'gzip',
          'content-length': packed.length,
          vary: 'Accept-Encoding',
        });
        response.end(packed);
      } else {
        response.end(text);
      }
    });
    const target = path({ class: processor, config: { url: upstream.url } });
    const packed = await raw(target, 'GET', { 'accept-encoding': 'gzip' });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.body).toString()).toBe(text);
    const plain = await raw(target, 'GET');
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.body.toString()).toBe(text);
    const composed = await gateway.fetch(
      path({ class: 'Fusio.Adapter.Http.Action.HttpComposition', config: { url: [upstream.url] } }),
    );
    expect(await composed.json()).toEqual({ [upstream.url]: text });
    await upstream.close();
  });

  it('answers HEAD with the headers and the length alone', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'content-length': '1234', etag: '"1"' });
      response.end();
    });
    const proxied = await raw(path({ class: processor, config: { url: upstream.url } }), 'HEAD');
    expect(proxied.headers).toMatchObject({ 'content-length': '1234', etag: '"1"' });
    expect(upstream.requests[0]!.method).toBe('HEAD');
    const fixed: Run = { class: 'Fusio.Adapter.Util.Action.UtilStaticResponse', config: { response: '{"a": 1}' } };
    const head = await raw(path(fixed), 'HEAD');
    expect([head.status, head.headers['content-type'], head.body.length]).toEqual([200, 'application/json', 0]);
    const failed = await raw(path({ class: 'Nope', config: {} }), 'HEAD');
    expect([failed.status, failed.body.length]).toEqual([503, 0]);
    expect(Number(failed.headers['content-length'])).toBeGreaterThan(100);
    await upstream.close();
  });

  it.each([204, 205, 304])('may have the empty status %d', async (status) => {
    const upstream = await startUpstream((_, response) => response.writeHead(status, { etag: '"1"' }).end());
    const response = await proxy(upstream.url);
    expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([status, '"1"', '']);
    await upstream.close();
  });

  it('relays a redirect instead of following it', async () => {
    const upstream = await startUpstream((_, response) => response.writeHead(307, { location: '/elsewhere' }).end());
    const response = await proxy(upstream.url);
    expect([response.status, response.headers.get('location')]).toEqual([307, '/elsewhere']);
    expect(upstream.requests).toHaveLength(1);
    await upstream.close();
  });

  it('keeps a redirect of its own action changeable', async () => {
    const run: Run = { class: 'Fusio.Adapter.Util.Action.UtilRedirect', config: { location: '/new' } };
    const response = await gateway.fetch(path(run));
    expect([response.status, response.headers.get('location'), response.headers.get('x-request-id')]).toEqual([
      301,
      '/new',
      'id',
    ]);
  });

  it('is 502 when nobody listens, 504 when nobody answers, 502 when the answer is none', async () => {
    expect((await proxy(await deadUrl())).status).toBe(502);
    const silent = await startUpstream(() => {});
    const late = await proxy(silent.url, {}, { timeout: 150 });
    expect([late.status, ((await late.json()) as any).code]).toEqual([504, 'upstream_timeout']);
    await silent.close();
    const rude = await startUpstream((request) => request.socket.destroy());
    expect((await proxy(rude.url, { method: 'POST', body: 'x' })).status).toBe(502);
    expect(rude.requests).toHaveLength(1);
    expect((await proxy(rude.url)).status).toBe(502);
    expect(rude.requests).toHaveLength(4);
    await rude.close();
  });

  it('breaks off when the upstream breaks off', async () => {
    const dying = await startUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' });
      response.write('a part');
      setTimeout(() => response.destroy(), 20);
    });
    const response = await proxy(dying.url);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    await dying.close();
  });

  it('makes bodies by templates, without eval', async () => {
    const upstream = await startUpstream();
    const body = '{"name":"{{ payload.name }}","all":{{ payload | json }}}';
    const run: Run = {
      class: 'Fusio.Adapter.Http.Action.HttpRaw',
      config: { method: 'POST', url: upstream.url, body },
    };
    const response = await gateway.fetch(path(run), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"a\\"b"}',
    });
    const sent = (await response.json()) as Recorded;
    expect(JSON.parse(sent.body)).toEqual({ name: 'a"b', all: { name: 'a"b' } });
    await upstream.close();
  });
});

describe('a connection with a cache', () => {
  async function served(headers: Record<string, string>, body: string | Buffer = 'answer') {
    const upstream = await startUpstream((_, response) => response.writeHead(200, headers).end(body));
    const get = (more: Partial<Run> = {}, init: RequestInit = {}) =>
      gateway.fetch(
        path({
          class: processor,
          config: { connection: 'Http', url: '/x' },
          connection: { url: upstream.url, cache: true },
          ...more,
        }),
        init,
      );
    return { upstream, get };
  }

  it('keeps an answer as long as it may be kept, and gives it back the same', async () => {
    const { upstream, get } = await served({
      'cache-control': 'private, max-age=60',
      'content-type': 'a/b',
      etag: '"1"',
    });
    const first = await get();
    const seen = [await first.text(), first.headers.get('content-type'), first.headers.get('cache-control')];
    expect(seen).toEqual(['answer', 'a/b', 'private, max-age=60']);
    await expect
      .poll(async () => {
        await (await get()).text();
        const before = upstream.requests.length;
        await (await get()).text();
        return upstream.requests.length - before;
      })
      .toBe(0);
    const kept = await get();
    expect([await kept.text(), kept.headers.get('content-type'), kept.headers.get('cache-control')]).toEqual(seen);
    expect(kept.headers.get('etag')).toBe('"1"');
    expect(kept.headers.has('x-postern-cache-control')).toBe(false);
    // Another caller, another language, another method, and one who wants it fresh.
    const count = upstream.requests.length;
    await get({ userId: 5 });
    await get({}, { headers: { 'accept-language': 'de' } });
    await get({}, { method: 'POST' });
    await get({}, { headers: { 'cache-control': 'no-cache' } });
    expect(upstream.requests.length - count).toBe(4);
    await upstream.close();
  });

  it.each([
    { 'content-type': 'a/b' },
    { 'cache-control': 'no-store, max-age=60' },
    { 'cache-control': 'max-age=0' },
    { 'cache-control': 'max-age=60', 'set-cookie': 'a=1' },
    { 'cache-control': 'max-age=60', vary: 'X-Custom' },
    { 'cache-control': 'max-age=60', vary: '*' },
  ] as Record<string, string>[])('does not keep %j', async (headers) => {
    const { upstream, get } = await served(headers);
    for (let count = 0; count < 3; count++) {
      await (await get()).text();
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(upstream.requests).toHaveLength(3);
    await upstream.close();
  });

  it.each([{ 'content-length': '100000' }, {}] as Record<
    string,
    string
  >[])('does not keep half of an answer that breaks off (%j)', async (headers) => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60', ...headers });
      response.write('a'.repeat(50_000), () => setTimeout(() => response.destroy(), 50));
    });
    const connection = { url: upstream.url, cache: true };
    for (let count = 0; count < 3; count++) {
      const run = { class: processor, config: { connection: 'Http', url: '/x' }, connection };
      const answer = await gateway.fetch(path(run));
      await expect(answer.text()).rejects.toThrow();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(upstream.requests).toHaveLength(3);
    await upstream.close();
  });

  it('asks for answers as they are, and does not keep one that is packed all the same', async () => {
    const packed = gzipSync('y'.repeat(4_000));
    const { upstream, get } = await served({ 'cache-control': 'max-age=60', 'content-encoding': 'gzip' }, packed);
    for (let count = 0; count < 2; count++) {
      expect(await (await get({}, { headers: { 'accept-encoding': 'gzip' } })).text()).toBe('y'.repeat(4_000));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(upstream.requests.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'identity']);
    await upstream.close();
  });
});
