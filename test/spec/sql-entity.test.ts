import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess } from '../cli/in-process.ts';
import { administrator, type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { ownShare } from '../helpers/share.ts';
import { injections } from './sql-injections.ts';

// Twelve entities that are only described become tables and an API by one command; then callers use it, and abuse it.

const file = 'examples/shop.json';
const shop = JSON.parse(readFileSync(file, 'utf8'));

let gateway: Gateway;
let admin: Management;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await manage(gateway);
});
afterAll(() => gateway?.stop());

const call = (method: string, path: string, body?: unknown) => request(gateway, method, path, body);

async function insert(entity: string, body: object): Promise<string> {
  const answer = await call('POST', `/shop/${entity}`, body);
  expect([answer.status, answer.body.message]).toEqual([201, 'Entry successfully created']);
  return answer.body.id;
}

const revisions = async () => (await admin.must('GET', '/backend/revision')).totalResults as number;
const generate = { path: '/shop', scopes: ['shop'], public: true, config: { connection: 'System', schema: shop } };

const options = ['--path', '/shop', '--scope', 'shop', '--public'];
const postern = (...args: string[]) =>
  inProcess(args, {
    ...{ POSTERN_URL: gateway.url, POSTERN_CONFIG: '/nonexistent/session.json' },
    ...{ POSTERN_USER: administrator.name, POSTERN_PASSWORD: administrator.password },
  });

describe('twelve related entities', () => {
  it('are shown as a plan that changes nothing', async () => {
    const before = await revisions();
    const { code, out, json } = await postern('generate', 'sql-entity', file, ...options, '--plan', '--json');
    expect(code, out).toBe(0);
    const plan = json();
    expect([plan.schemas.length, plan.actions.length, plan.operations.length]).toEqual([24, 60, 60]);
    expect((await postern('generate', 'SQL-Entity', file, ...options, '--plan')).out).toMatch(
      /GET +\/shop\/address.*… and 40 more\nPlan, nothing was changed:\n {2}schema: 24 new/s,
    );
    expect(await revisions()).toBe(before);
    expect((await admin.must('GET', '/backend/connection/System/database')).totalResults).toBe(0);
  });

  it('are refused by name where the command line is wrong', async () => {
    for (const [line, message] of [
      ['generate SQL-Nothing', 'There is no generator "SQL-Nothing"; there are File-Directory'],
      ['generate SQL-Entity', 'needs a file with its schema'],
      ['generate SQL-Table examples/shop.json --table x', 'SQL-Table takes no file'],
      ['generate SQL-Table --prefix x', 'SQL-Table has no prefix; it has connection, table'],
      ['generate SQL-Table --set table', 'must be MEMBER=VALUE'],
    ] as const) {
      const ran = await postern(...line.split(' '));
      expect([ran.code, ran.err]).toEqual([2, expect.stringContaining(message)]);
    }
    expect((await postern('generate')).out).toMatch(/SQL-Entity +Fusio\.Adapter\.Sql\.Generator\.SqlEntity/);
    expect((await postern('generate', 'SQL-Table', '--table', 'nowhere')).code).toBe(1);
  });

  it('become an API by one command and one publish', async () => {
    const before = await revisions();
    const made = await postern('generate', 'SQL-Entity', file, ...options, '--json');
    expect(made.code, made.out).toBe(0);
    expect(made.json()).toMatchObject({ success: true, plan: false, counts: { operation: { create: 60 } } });
    expect(await revisions()).toBe(before + 1);
    const { totalResults } = await admin.must('GET', '/backend/connection/System/database');
    // Twelve, and five of relations.
    expect(totalResults).toBe(16);
    expect((await call('GET', '/shop/order_line')).body).toEqual({
      totalResults: 0,
      startIndex: 0,
      itemsPerPage: 16,
      entry: [],
    });
  });

  it('cannot be made twice, and a refusal leaves nothing behind', async () => {
    expect((await admin.call('POST', '/backend/generator/SQL-Entity', generate)).status).toBe(409);
    const schema = { ...shop, types: [{ ...shop.types[0]!, name: 'Lonely' }] };
    await admin.publish({ name: 'blocked.lonely.getAll', httpPath: '/elsewhere' });
    const blocked = { ...generate, path: '/blocked', config: { connection: 'System', schema } };
    expect((await admin.call('POST', '/backend/generator/SQL-Entity', blocked)).status).toBe(400);
    expect((await admin.call('GET', '/backend/connection/System/database/app_lonely')).status).toBe(404);
  });

  it('are written with what they refer to, and read with it', async () => {
    const home = await insert('address', { street: 'Home 1', city: 'Oslo' });
    const depot = await insert('address', { street: 'Depot 2', city: 'Bergen' });
    const root = await insert('category', { name: 'All' });
    const tools = await insert('category', { name: 'Tools', parent: { id: Number(root) } });
    const supplier = await insert('supplier', { name: 'Acme', address: { id: Number(depot) } });
    const [north, south] = [
      await insert('warehouse', { name: 'North', address: { id: Number(depot) } }),
      await insert('warehouse', { name: 'South' }),
    ];
    const [sharp, heavy] = [await insert('tag', { name: 'sharp' }), await insert('tag', { name: 'heavy' })];
    const product = await insert('product', {
      ...{ name: 'Saw', price: 19.5, inStock: true },
      ...{ category: { id: Number(tools) }, supplier: { id: Number(supplier) } },
      tags: [{ id: Number(sharp) }, { id: Number(heavy) }],
      stock: { first: { id: Number(north) }, second: { id: Number(south) } },
    });
    const read = (await call('GET', `/shop/product/${product}`)).body;
    expect(read).toEqual({
      ...{ id: Number(product), name: 'Saw', price: 19.5, inStock: true },
      category: { id: Number(tools), name: 'Tools' },
      supplier: { id: Number(supplier), name: 'Acme' },
      tags: [
        { id: Number(heavy), name: 'heavy' },
        { id: Number(sharp), name: 'sharp' },
      ],
      stock: { first: { id: Number(north), name: 'North' }, second: { id: Number(south), name: 'South' } },
    });
    const customer = await insert('customer', {
      ...{ firstName: 'Ada', born: '1815-12-10', nicknames: ['a', "d'a"], addresses: [{ id: Number(home) }] },
    });
    const line = await insert('order_line', { product: { id: Number(product) }, quantity: 3 });
    const order = await insert('order', {
      ...{ customer: { id: Number(customer) }, shipTo: { id: Number(home) }, placed: '2026-01-02T03:04:05+02:00' },
      lines: [{ id: Number(line) }],
    });
    expect((await call('GET', '/shop/order')).body.entry).toEqual([
      {
        ...{ id: Number(order), placed: '2026-01-02T01:04:05Z' },
        customer: { id: Number(customer), firstName: 'Ada', born: '1815-12-10', nicknames: ['a', "d'a"] },
        shipTo: { id: Number(home), street: 'Home 1', city: 'Oslo' },
        lines: [{ id: Number(line), quantity: 3 }],
      },
    ]);
    const invoice = await insert('invoice', { order: { id: Number(order) }, total: 58.5 });
    await insert('payment', { invoice: { id: Number(invoice) }, amount: 58.5 });
    await insert('review', { product: { id: Number(product) }, author: { id: Number(customer) }, stars: 5 });

    // What is sent back whole is taken, what is absent stays, lists are replaced.
    const changed = await call('PUT', `/shop/product/${product}`, {
      ...read,
      price: 21,
      tags: [{ id: Number(heavy) }],
    });
    expect(changed.body).toEqual({ success: true, message: 'Entry successfully updated', id: product });
    expect((await call('PUT', `/shop/product/${product}`, { inStock: false })).status).toBe(200);
    expect((await call('GET', `/shop/product/${product}`)).body).toEqual({
      ...read,
      ...{ price: 21, inStock: false, tags: [{ id: Number(heavy), name: 'heavy' }] },
    });
  });

  it('refuse what would break a relation, and say why', async () => {
    const dangling = await call('POST', '/shop/product', { name: 'X', category: { id: 999 } });
    expect([dangling.status, dangling.body.code]).toEqual([400, 'invalid_body']);
    expect((await call('POST', '/shop/product', { name: 'X', tags: [{ id: 999 }] })).status).toBe(400);
    expect((await call('GET', '/shop/product')).body.totalResults).toBe(1);
    expect((await call('DELETE', '/shop/category/2')).status).toBe(409);
    expect((await call('DELETE', '/shop/category/99')).status).toBe(404);
    const typed = await call('POST', '/shop/product', { price: 'cheap' });
    expect([typed.status, typed.body.errors[0].pointer]).toEqual([400, '/body/price']);
  });

  it('are filtered, sorted and paged', async () => {
    for (let number = 1; number <= 20; number++) {
      await insert('review', { product: { id: 1 }, stars: number % 5 });
    }
    const list = async (query: string) => (await call('GET', `/shop/review?${query}`)).body;
    expect((await list('filterBy=stars&filterOp=equals&filterValue=3')).totalResults).toBe(4);
    expect((await list('filterBy=stars&filterOp=greaterOrEqual&filterValue=4')).totalResults).toBe(5);
    const sorted = await list('sortBy=stars&sortOrder=desc&count=6');
    expect(sorted.entry.map((entry: { stars: number }) => entry.stars)).toEqual([5, 4, 4, 4, 4, 3]);
    expect([sorted.itemsPerPage, sorted.totalResults]).toEqual([6, 21]);
    const last = await list('startIndex=16');
    expect([last.startIndex, last.entry.length]).toEqual([16, 5]);
    for (const query of ['sortBy=secret', 'filterBy=nope&filterValue=1', 'filterOp=like', 'count=0', 'startIndex=-1']) {
      const refused = await call('GET', `/shop/review?${query}`);
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, `/query/${query.split('=')[0]}`]);
    }
  });

  it('are deleted with their own relations', async () => {
    expect((await call('DELETE', '/shop/customer/1')).status).toBe(409);
    for (const path of ['payment/1', 'invoice/1', 'order/1', 'review/1', 'customer/1']) {
      expect((await call('DELETE', `/shop/${path}`)).body.message).toBe('Entry successfully deleted');
    }
    expect((await call('GET', '/shop/customer/1')).status).toBe(404);
    const { totalResults } = await admin.must('GET', '/backend/connection/System/database/app_customer_address/rows');
    expect(totalResults).toBe(0);
  });
});

describe('values that would be SQL', () => {
  const full = process.env.POSTERN_FULL !== undefined;
  const strings = injections(full ? 1_500 : 40);
  // The full run is parted (test/verify.ts): every part has all rows and asks for its share of the strings.
  const asked = ownShare(strings);
  const time = full ? 900_000 : 120_000;
  /** The two kinds of list; in turn unless everything is tried. */
  const lists = (text: string) => {
    const both = ['/shop/tag', '/tags/raw'];
    return full ? both : [both[strings.indexOf(text) % 2]!];
  };
  const names = new Map<number, string>();
  const lower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const found = (matches: (name: string) => boolean) => [...names.values()].filter(matches).length;

  /** So many at a time. */
  async function each(work: (text: string) => Promise<void>, texts = asked): Promise<void> {
    const waiting = [...texts];
    const lane = async () => {
      for (let text = waiting.pop(); text !== undefined; text = waiting.pop()) {
        await work(text);
      }
    };
    await Promise.all(Array.from({ length: 6 }, lane));
  }

  beforeAll(async () => {
    const sql = { connection: 'System', table: 'app_tag' };
    const all = 'SELECT id, name FROM app_tag WHERE name';
    const actions: [string, string, object][] = [
      ['raw', 'SqlSelectAll', sql],
      ['row', 'SqlSelectRow', sql],
      ['equal', 'Query.SqlQueryAll', { connection: 'System', sql: `${all} = {name}` }],
      ['like', 'Query.SqlQueryAll', { connection: 'System', sql: `${all} LIKE {%name%} -- {other}` }],
      ['one', 'Query.SqlQueryRow', { connection: 'System', sql: `${all} = :name;` }],
    ];
    const create = (resource: string, data: object) => ({ resource, verb: 'create', data });
    const changes = actions.flatMap(([name, className, config]) => {
      const operation = {
        name: `tags.${name}`,
        httpPath: `/tags/${name}`,
        httpMethod: 'GET',
        public: true,
        scopes: [],
      };
      return [
        create('action', { name: `Tag-${name}`, class: `Fusio.Adapter.Sql.Action.${className}`, config }),
        create('operation', { ...operation, action: `Tag-${name}` }),
      ];
    });
    await admin.must('POST', '/backend/deploy', { changes });
  }, 30_000);

  it(
    'are kept and given back as they came',
    async () => {
      expect(new Set(strings).size).toBe(strings.length);
      const schema = await gateway.DATA.prepare('SELECT group_concat(sql) AS sql FROM sqlite_master').first('sql');
      names.set(1, 'sharp').set(2, 'heavy');
      await each(async (name) => {
        const id = await insert('tag', { name });
        names.set(Number(id), name);
        expect((await call('GET', `/shop/tag/${id}`)).body).toEqual({ id: Number(id), name });
      }, strings);
      const { results } = await gateway.DATA.prepare('SELECT id, name FROM app_tag ORDER BY id').all();
      expect(results).toEqual([...names].sort(([a], [b]) => a - b).map(([id, name]) => ({ id, name })));
      expect(await gateway.DATA.prepare('SELECT group_concat(sql) AS sql FROM sqlite_master').first('sql')).toBe(
        schema,
      );
    },
    time,
  );

  it(
    'match literally, whatever compares them',
    async () => {
      await each(async (text) => {
        const value = encodeURIComponent(text);
        const total = async (path: string) => {
          const { status, body } = await call('GET', path);
          return status === 200 ? body.totalResults : `${status} ${body.message}`;
        };
        for (const list of lists(text)) {
          const filter = `${list}?filterBy=name&filterValue=${value}&filterOp=`;
          expect([text, await total(`${filter}equals`)]).toEqual([text, found((name) => name === text)]);
          const part = found((name) => lower(name).includes(lower(text)));
          expect([text, await total(`${filter}contains`)]).toEqual([text, part]);
          const start = found((name) => lower(name).startsWith(lower(text)));
          expect([text, await total(`${filter}startsWith`)]).toEqual([text, start]);
          expect([text, await total(`${filter}notEquals`)]).toEqual([text, found((name) => name !== text)]);
        }
        expect([text, await total(`/tags/equal?name=${value}`)]).toEqual([text, found((name) => name === text)]);
        expect((await call('GET', `/tags/one?name=${value}`)).body.name).toBe(text);
      });
    },
    time,
  );

  it(
    'are refused where a name or a number is expected',
    async () => {
      await each(async (text) => {
        const value = encodeURIComponent(text);
        for (const list of lists(text)) {
          for (const parameter of ['sortBy', 'sortOrder', 'filterBy', 'filterOp', 'startIndex', 'count']) {
            const { status } = await call('GET', `${list}?filterValue=x&${parameter}=${value}`);
            expect([text, parameter, status]).toEqual([text, parameter, 400]);
          }
        }
        expect([400, 404]).toContain((await call('GET', `/shop/tag/${value}`)).status);
        expect((await call('GET', `/tags/row?id=${value}`)).status).toBe(404);
        for (const method of ['PUT', 'DELETE']) {
          expect([400, 404]).toContain(
            (await call(method, `/shop/tag/${value}`, method === 'PUT' ? { name: 'x' } : undefined)).status,
          );
        }
        const filter = `/tags/raw?filterBy=id&filterOp=equals&filterValue=${value}`;
        expect((await call('GET', filter)).body.totalResults).toBe(0);
      });
      const { results } = await gateway.DATA.prepare('SELECT id, name FROM app_tag ORDER BY id').all();
      expect(results).toHaveLength(names.size);
    },
    time,
  );

  it(
    'match literally behind LIKE, as long as the platform takes patterns (50 bytes)',
    async () => {
      await each(async (text) => {
        const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`;
        const { status, body } = await call('GET', `/tags/like?name=${encodeURIComponent(text)}`);
        if (Buffer.byteLength(pattern) > 50) {
          expect([text, status]).toEqual([text, 400]);
        } else if (!text.includes('\u0000')) {
          expect([text, body.totalResults]).toEqual([text, found((name) => lower(name).includes(lower(text)))]);
        }
      });
    },
    time,
  );
});
