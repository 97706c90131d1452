import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';

let gateway: Gateway;
let upstream: ReturnType<typeof createServer>;
let upstreamCalls = 0;
let serial = 0;

beforeAll(async () => {
  gateway = await startGateway({ entry: 'test/faults/stand-in/faulty.ts', isolates: 2 });
  await gateway.DB.prepare('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)').run();
  upstream = createServer(async (request, response) => {
    upstreamCalls += 1;
    response.end((await request.toArray()).join('') || 'hello');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  upstream?.close();
  await gateway?.stop();
});

beforeEach(async () => {
  await gateway.faults.set();
  await gateway.clock(0);
});

async function call(action: string, input: object = {}, isolate = 0): Promise<any> {
  const response = await gateway.fetch(`/${action}`, { method: 'POST', body: JSON.stringify(input), isolate });
  return response.json();
}

async function notes(): Promise<number | null> {
  return gateway.DB.prepare('SELECT count(*) AS count FROM note').first('count');
}

describe('a binding', () => {
  it('works when nothing shall go wrong', async () => {
    expect(await call('first', { sql: 'SELECT 7 AS seven' })).toEqual({ seven: 7 });
    expect((await call('batch', { sqls: ['SELECT 1 AS a', 'SELECT 2 AS a'] })).map((r: any) => r.results)).toEqual([
      [{ a: 1 }],
      [{ a: 2 }],
    ]);
    await call('put', { key: 'k', value: 'v' });
    expect(await call('get', { key: 'k' })).toBe('v');
    expect(await call('cache', { url: 'https://example.com/a' })).toBe('cached');
    expect(await call('fetch', { url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/` })).toBe('hello');
  });

  it('fails before anything happened', async () => {
    const before = await notes();
    await gateway.faults.set({ binding: 'DB', mode: 'throw' });
    expect(await call('batch', { sqls: ["INSERT INTO note (text) VALUES ('a')"] })).toEqual({
      message: 'D1_ERROR: Network connection lost.',
    });
    expect(await notes()).toBe(before);
  });

  it('loses the reply of what happened', async () => {
    const before = (await notes()) ?? 0;
    await gateway.faults.set({ binding: 'DB', method: 'batch', mode: 'lose', message: 'd1.updated' });
    expect((await call('batch', { sqls: ["INSERT INTO note (text) VALUES ('a')"] })).message).toBe(
      'D1_ERROR: D1 DB reset because its code was updated.',
    );
    expect(await notes()).toBe(before + 1);
  });

  it('happens twice', async () => {
    const before = (await notes()) ?? 0;
    await gateway.faults.set({ binding: 'DB', mode: 'twice' });
    await call('all', { sql: "INSERT INTO note (text) VALUES ('a')" });
    expect(await notes()).toBe(before + 2);
  });

  it('hangs and is given up in the words of a timeout', async () => {
    await gateway.faults.set({ binding: 'DB', mode: 'hang', delay: 50 });
    expect((await call('first', { sql: 'SELECT 1' })).message).toMatch(/operation exceeded timeout/);
  });

  it('is late', async () => {
    await gateway.faults.set({ binding: 'DB', mode: 'delay', delay: 200 });
    const started = Date.now();
    expect(await call('first', { sql: 'SELECT 1 AS one' })).toEqual({ one: 1 });
    expect(Date.now() - started).toBeGreaterThanOrEqual(195);
  });

  it('is read stale: what this isolate was told last, or nothing', async () => {
    const url = `https://example.com/stale-${serial++}`;
    await call('put', { key: 'old', value: 'one' });
    await call('keep', { url, text: 'one' });
    await call('all', { sql: "INSERT INTO note (text) VALUES ('before')" });
    const count = { sql: 'SELECT count(*) AS count FROM note' };
    const asked = async (isolate = 0) => ({
      value: await call('get', { key: 'old' }, isolate),
      values: await call('getMany', { keys: ['old', 'new'] }, isolate),
      text: await call('recall', { url }, isolate),
      rows: (await call('first', count, isolate)).count,
    });
    const before = await asked();
    expect(before).toMatchObject({ value: 'one', text: 'one' });

    await call('put', { key: 'old', value: 'two' });
    await call('put', { key: 'new', value: 'two' });
    await call('keep', { url, text: 'two' });
    await gateway.faults.set({ binding: '*', mode: 'stale' });
    // A write is never stale.
    await call('all', { sql: "INSERT INTO note (text) VALUES ('after')" });
    expect(await asked()).toEqual(before);
    // The other isolate never asked.
    expect(await asked(1)).toEqual({
      value: null,
      values: [
        ['old', null],
        ['new', null],
      ],
      text: null,
      rows: before.rows + 1,
    });
    expect((await gateway.faults.state()).happened).toEqual([4]);

    await gateway.faults.set();
    const after = { value: 'two', text: 'two', rows: before.rows + 1 };
    expect(await asked()).toMatchObject(after);
    expect(await asked(1)).toMatchObject(after);
  });

  it('fails at the n-th call only', async () => {
    await gateway.faults.set({ binding: '*', mode: 'throw', nth: 2 });
    const answers = [];
    for (let count = 0; count < 3; count += 1) {
      answers.push(await call('first', { sql: 'SELECT 1 AS one' }));
    }
    expect(answers.map((answer) => 'message' in answer)).toEqual([false, true, false]);
    const { counts, happened, calls } = await gateway.faults.state();
    expect(counts).toEqual({ 'DB.first': 3 });
    expect(happened).toEqual([1]);
    expect(calls[0]).toEqual({ binding: 'DB', method: 'first', subject: 'SELECT 1 AS one', from: 'worker' });
  });

  it('fails a number of times from the n-th call on', async () => {
    await gateway.faults.set({ binding: 'DB', mode: 'throw', nth: 2, times: 2 });
    const answers = [];
    for (let count = 0; count < 4; count += 1) {
      answers.push(await call('first', { sql: 'SELECT 1 AS one' }));
    }
    expect(answers.map((answer) => 'message' in answer)).toEqual([false, true, true, false]);
  });

  it('fails for a subject and a caller only', async () => {
    await gateway.faults.set(
      { binding: 'CONTENT', subject: 'bad', mode: 'throw', message: 'kv.crowded' },
      { binding: 'DB', from: 'Limiter', mode: 'throw' },
    );
    expect(await call('put', { key: 'good', value: '' })).toBe(null);
    expect((await call('put', { key: 'bad', value: '' })).message).toBe('KV PUT failed: 429 Too Many Requests');
    expect(await call('first', { sql: 'SELECT 1 AS one' })).toEqual({ one: 1 });
    expect((await call('query')).message).toBe('D1_ERROR: Network connection lost.');
  });

  it('fails in other bindings too, as the platform says it', async () => {
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
    await gateway.faults.set(
      { binding: 'LIMITER', mode: 'throw', message: 'object.overloaded' },
      { binding: 'fetch', mode: 'lose' },
      { binding: 'caches', method: 'match', mode: 'throw' },
      { binding: 'USAGE', mode: 'throw', message: 'whatever' },
    );
    expect(await call('take', { name: 'a' })).toEqual({
      message: 'Durable Object is overloaded. Requests queued for too long.',
      overloaded: true,
    });
    const before = upstreamCalls;
    expect((await call('fetch', { url })).message).toBe('Network connection lost.');
    expect(upstreamCalls).toBe(before + 1);
    expect((await call('cache', { url: 'https://example.com/b' })).message).toBe('internal error');
    expect((await call('points', { count: 1 })).message).toBe('whatever');
  });

  it('fails in every isolate', async () => {
    expect(await call('isolate', {}, 0)).not.toBe(await call('isolate', {}, 1));
    await gateway.faults.set({ binding: 'DB', mode: 'throw' });
    expect(await call('first', { sql: 'SELECT 1' }, 1)).toHaveProperty('message');
  });
});

describe('a Durable Object', () => {
  it('loses the reply but keeps the effect', async () => {
    const name = `object-${serial++}`;
    await gateway.faults.set({ binding: 'LIMITER', method: 'take', subject: name, mode: 'lose', times: 1 });
    expect(await call('take', { name })).toEqual({ message: 'Network connection lost.', retryable: true });
    expect(await call('take', { name })).toEqual({ stored: 2, remembered: 2 });
  });

  it('forgets its memory when it is aborted', async () => {
    const name = `object-${serial++}`;
    await call('take', { name });
    expect(await call('take', { name })).toEqual({ stored: 2, remembered: 2 });
    await gateway.abort('LIMITER', name);
    expect(await call('take', { name })).toEqual({ stored: 3, remembered: 1 });
  });

  it('fires its alarm when told, and on shifted time', async () => {
    const name = `object-${serial++}`;
    await gateway.clock(3_600_000);
    const planned = await call('plan', { name, wait: 86_400_000 });
    expect(planned - Date.now()).toBeGreaterThan(3_600_000 + 86_000_000);
    await gateway.alarm('LIMITER', name);
    expect((await call('take', { name })).stored).toBe(101);

    const soon = `object-${serial++}`;
    await call('plan', { name: soon, wait: 100 });
    await expect.poll(async () => (await call('take', { name: soon })).stored, { timeout: 5_000 }).toBeGreaterThan(100);
  });
});

describe('the book of outbound requests', () => {
  it('has each with its headers and body, which still arrives, and none that failed before it left', async () => {
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/book`;
    for (const how of ['text', 'stream', 'request']) {
      expect(await call('send', { url, how, text: `by ${how}` })).toBe(`by ${how}`);
    }
    await call('fetch', { url }, 1);
    await gateway.faults.set({ binding: 'fetch', mode: 'throw' });
    await call('send', { url, how: 'text', text: 'never' });
    const book = (await gateway.egress()).filter((outbound) => outbound.url === url);
    expect(book.map(({ method, headers, body }) => [method, Object.fromEntries(headers)['x-how'], body])).toEqual([
      ['POST', 'text', 'by text'],
      ['POST', 'stream', 'by stream'],
      ['POST', 'request', 'by request'],
      ['GET', undefined, ''],
    ]);
  });
});

describe('the clock', () => {
  it('moves, for every way of asking', async () => {
    await gateway.clock(86_400_000);
    const [now, date, fixed] = await call('now', {}, 1);
    expect(now - Date.now()).toBeGreaterThan(86_000_000);
    expect(Date.parse(date) - now).toBeLessThan(1_000);
    expect(fixed).toBe('1970-01-01T00:00:00.005Z');
  });
});

describe('limits of production', () => {
  const list = (count: number) => Array(count).fill('?').join(',');

  it.each([
    ['100 bound parameters', `SELECT 1 AS one WHERE 1 IN (${list(100)})`, Array(100).fill(1), null],
    ['101 bound parameters', `SELECT 1 WHERE 1 IN (${list(101)})`, Array(101).fill(1), /too many SQL variables/],
    ['100 KB of SQL', `SELECT 1 /* ${'x'.repeat(100_000)} */`, [], /statement too long/],
    ['a pattern of 50 bytes', "SELECT 'a' LIKE ?", ['x'.repeat(50)], null],
    ['a pattern of 51 bytes', "SELECT 'a' LIKE ?", ['x'.repeat(51)], /LIKE or GLOB pattern too complex/],
    ['6 terms', Array(6).fill('SELECT 1').join(' UNION ALL '), [], /too many terms in compound SELECT/],
    ['101 columns', `CREATE TABLE wide (${Array.from({ length: 101 }, (_, i) => `c${i}`)})`, [], /too many columns/],
  ])('%s', async (_, sql, values, refused) => {
    const { message } = await call('all', { sql, values });
    if (refused === null) {
      expect(message).toBe(undefined);
    } else {
      expect(message).toMatch(refused);
    }
  });

  it('2 MB a row', async () => {
    expect(await call('fill', { size: 2_000_000 })).toHaveProperty('success', true);
    expect((await call('fill', { size: 2_000_001 })).message).toMatch(/string or blob too big/);
  });

  it('1,000 statements an invocation', async () => {
    expect(await call('many', { count: 1_000 })).toBe(null);
    expect((await call('many', { count: 1_001 })).message).toMatch(/Too many API requests by single worker invocation/);
  });

  it('KV keys of 512 bytes', async () => {
    expect(await call('put', { key: 'k'.repeat(512), value: '' })).toBe(null);
    expect((await call('put', { key: 'k'.repeat(513), value: '' })).message).toMatch(/exceeds key length limit of 512/);
  });

  it('data points', async () => {
    expect(await call('points', { count: 25 })).toBe(null);
    expect((await call('points', { count: 26 })).message).toMatch(/data points in one invocation/);
    expect((await call('points', { count: 1, blobs: Array(21).fill('') })).message).toMatch(/20 blobs/);
    expect((await call('points', { count: 1, blobs: ['x'.repeat(16_385)] })).message).toMatch(/16 KB/);
  });
});
