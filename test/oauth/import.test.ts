import { afterAll, beforeAll, expect, it } from 'vitest';
import { isBcrypt, verifyBcrypt } from '../../worker/lib/bcrypt.ts';
import { verifyPassword } from '../../worker/lib/password.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';

// `password_hash('correct-horse', PASSWORD_BCRYPT)` at cost 4, and with the prefixes of other libraries.
const hash = '$2y$04$VDIyqyKHO8odOgOuP594NerwSylj31GaWhmxO0RlR18r3/0NNbAQi';
const password = 'correct-horse';

let gateway: Gateway;
let token: string;

beforeAll(async () => {
  gateway = await startGateway();
  const admin = await gateway.setup();
  token = (await login(admin.name, admin.password)).token;
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
});

async function send(method: string, path: string, body?: unknown, bearer = token) {
  const response = await gateway.fetch(path, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as any };
}

async function login(username: string, given: string) {
  const response = await gateway.fetch('/consumer/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: given }),
  });
  return { status: response.status, token: ((await response.json()) as { token: string }).token };
}

const stored = (name: string) =>
  gateway.DB.prepare('SELECT password FROM user WHERE name = ?').bind(name).first<string>('password');

it('published hashes of bcrypt are verified, others are none', () => {
  // From the vectors of crypt_blowfish.
  expect(verifyBcrypt('U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW')).toBe(true);
  expect(verifyBcrypt('U*U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK')).toBe(true);
  expect(verifyBcrypt('U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK')).toBe(false);
  for (const prefix of ['$2a', '$2b', '$2y']) {
    expect(isBcrypt(hash.replace('$2y', prefix))).toBe(true);
    expect(verifyBcrypt(password, hash.replace('$2y', prefix))).toBe(true);
  }
  for (const other of ['$2x', '$2', '$1']) {
    expect(isBcrypt(hash.replace('$2y', other))).toBe(false);
  }
  expect([hash.replace('$04', '$15'), hash.replace('$04', '$03'), `${hash}A`, hash.slice(0, -1)].some(isBcrypt)).toBe(
    false,
  );
});

it('an imported user logs in with the old password, which is then stored in our own form', async () => {
  const users = [
    { name: 'ann', email: 'ann@example.com', passwordHash: hash, role: 'Consumer', date: '2020-01-02 03:04:05Z' },
    { name: 'bob', passwordHash: hash, status: 2, points: 7, scopes: ['default', 'gone.for_good'], metadata: { a: 1 } },
    { name: 'cid', role: 'Consumer' },
  ];
  const planned = await send('POST', '/backend/user/import', { users, plan: true });
  expect(planned.body).toMatchObject({ plan: true, created: 3 });
  expect(await stored('ann')).toBeNull();
  const { body } = await send('POST', '/backend/user/import', { users });
  expect(body).toEqual({
    ...{ plan: false, created: 3, existing: [], rejected: [] },
    dropped: [{ row: 1, name: 'bob', scopes: ['gone.for_good'] }],
  });
  const ann = await send('GET', '/backend/user/~ann');
  expect(ann.body).toMatchObject({ email: 'ann@example.com', date: '2020-01-02T03:04:05Z', status: 1 });
  expect(ann.body.scopes).toContain('consumer');
  expect(JSON.stringify(ann.body)).not.toContain('$2y');
  expect((await send('GET', '/backend/user/~bob')).body).toMatchObject({
    ...{ status: 2, points: 7, scopes: ['default'], metadata: { a: 1 } },
  });

  expect((await login('ann', 'wrong-horse')).status).toBe(400);
  expect(await stored('ann')).toBe(hash);
  expect((await login('bob', password)).status).toBe(400);
  expect((await login('cid', '')).status).toBe(400);
  expect((await login('ann', password)).status).toBe(200);
  await expect.poll(() => stored('ann'), { timeout: 10_000 }).toMatch(/^\$scrypt\$/);
  expect(await verifyPassword(password, await stored('ann'), gateway.secretKey)).toEqual({ ok: true, rehash: false });
  expect((await login('ann@example.com', password)).status).toBe(200);
});

it('rows that break a rule are named and left out; who is there stays as he is', async () => {
  const before = await stored('admin');
  const good = { passwordHash: hash };
  const { body } = await send('POST', '/backend/user/import', {
    users: [
      { ...good, name: 'admin' },
      { ...good, name: 'a b' },
      { ...good, name: 'dee', email: 'ann@example.com' },
      { ...good, name: 'eve', email: 'nobody' },
      { ...good, name: 'fay', role: 'Emperor' },
      { ...good, name: 'gus', plan: 'Gold' },
      { name: 'hal', passwordHash: hash.replace('$04', '$15') },
      { name: 'ida', passwordHash: '5f4dcc3b5aa765d61d8327deb882cf99' },
      { ...good, name: 'jim', date: 'yesterday' },
      { ...good, name: 'kim' },
      { ...good, name: 'kim' },
      { name: 'lee', passwordHash: await stored('admin') },
    ],
  });
  expect(body.created).toBe(2);
  expect(body.existing).toEqual([{ row: 0, name: 'admin' }]);
  expect(body.rejected.map(({ row, pointer, rule }: any) => [row, pointer, rule])).toEqual([
    [1, '/name', 'pattern'],
    [2, '/email', 'unique'],
    [3, '/email', 'format'],
    [4, '/role', 'reference'],
    [5, '/plan', 'reference'],
    [6, '/passwordHash', 'format'],
    [7, '/passwordHash', 'format'],
    [8, '/date', 'date-time'],
    [10, '/name', 'unique'],
  ]);
  expect(await stored('admin')).toBe(before);
  expect((await login('lee', 'correct-horse-battery')).status).toBe(200);
  const { results } = await gateway.DB.prepare("SELECT message, content FROM audit WHERE event = 'user.import'").all();
  expect(results.at(-1)).toEqual({ message: 'Imported 2 users', content: '{"users":["kim","lee"]}' });
});

it('only administrators import, and none gives what the token does not have', async () => {
  await send('POST', '/backend/user', {
    roleId: 2,
    name: 'max',
    email: 'max@example.com',
    password: 'correct-horse-2',
  });
  const max = (await login('max', 'correct-horse-2')).token;
  const users = [{ name: 'ned', passwordHash: hash }];
  expect((await send('POST', '/backend/user/import', { users }, max)).status).toBe(403);
  const narrow = await gateway.fetch('/consumer/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: 'correct-horse-battery', scopes: ['backend.user'] }),
  });
  const bearer = ((await narrow.json()) as { token: string }).token;
  const raised = [{ name: 'ned', passwordHash: hash, role: 'Administrator' }];
  expect((await send('POST', '/backend/user/import', { users: raised }, bearer)).status).toBe(403);
  expect(await stored('ned')).toBeNull();
  expect((await send('POST', '/backend/user/import', { users }, bearer)).body.created).toBe(1);
});
