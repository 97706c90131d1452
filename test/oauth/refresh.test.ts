import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Administrator, type Gateway, startGateway } from '../helpers/gateway.ts';
import {
  askToken,
  basic,
  bearer,
  createApp,
  createUser,
  manage,
  renew,
  type Tokens,
  tokensOf,
  whoami,
} from './clients.ts';

let gateway: Gateway;
let admin: Administrator;
let token: string;
let dora: Awaited<ReturnType<typeof createUser>>;
let app: Awaited<ReturnType<typeof createApp>>;

beforeAll(async () => {
  gateway = await startGateway({ faults: true, isolates: 2, vars: { PUBLIC_URL: 'https://api.test' } });
  admin = await gateway.setup();
  token = (await tokensOf(gateway, admin)).access_token;
  dora = await createUser(gateway, token, 'dora');
  app = await createApp(gateway, token, dora.id, 'shop', ['authorization']);
});
afterAll(() => gateway?.stop());
beforeEach(() => gateway.faults.set());

/** Races: each is 50 requests. `npm run verify` runs more of them. */
const rounds = process.env.POSTERN_FULL ? 20 : 1;

let ahead = 0;

/** Lets time pass. The clock never goes back: what an isolate has learnt would lie in the future then. */
async function pass(seconds: number): Promise<void> {
  ahead += seconds * 1000;
  await gateway.clock(ahead);
}

/** Tokens without the cost of a password. */
async function issue(): Promise<Tokens> {
  const response = await askToken(gateway, { grant_type: 'client_credentials' }, basic(app.key, app.secret));
  expect(response.status).toBe(200);
  return (await response.json()) as Tokens;
}

const use = (refreshToken: string, isolate = 0) => renew(gateway, refreshToken, basic(app.key, app.secret), isolate);
const familyOf = ({ refresh_token: text }: Tokens) => text.slice(0, 20);

async function statusOf(accessToken: string, isolate = 0): Promise<number> {
  return (await whoami(gateway, accessToken, isolate)).status;
}

/** Asks again until the status is as wanted, for at most `patience` milliseconds; gives the last status. */
async function settles(ask: () => Promise<number>, wanted: number, patience: number): Promise<number> {
  const end = performance.now() + patience;
  let status = await ask();
  while (status !== wanted && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    status = await ask();
  }
  return status;
}

describe('a race for one refresh token', () => {
  it('has exactly one winner of 50, over two isolates, and the family lives', async () => {
    for (let round = 0; round < rounds; round++) {
      const first = await issue();
      const uses = Array.from({ length: 50 }, (_, index) => use(first.refresh_token, index % 2));
      const answers = await Promise.all(
        (await Promise.all(uses)).map(async (response) => ({
          status: response.status,
          body: (await response.json()) as Tokens & { error?: string },
        })),
      );
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(1);
      const losers = answers.filter(({ status }) => status !== 200);
      expect(new Set(losers.map(({ status, body }) => `${status} ${body.error}`))).toEqual(
        new Set(['400 invalid_grant']),
      );
      const winner = winners[0]!.body;
      expect(await statusOf(winner.access_token)).toBe(200);
      expect((await use(winner.refresh_token)).status).toBe(200);
    }
  });
});

describe('a used refresh token', () => {
  it('is refused for ten seconds, and ends the family afterwards', async () => {
    const first = await issue();
    const second = (await (await use(first.refresh_token)).json()) as Tokens;
    await pass(9);
    expect((await use(first.refresh_token)).status).toBe(400);
    expect(await statusOf(second.access_token)).toBe(200);
    await pass(3);
    expect((await use(first.refresh_token)).status).toBe(400);
    expect(await statusOf(second.access_token)).toBe(401);
    expect((await use(second.refresh_token)).status).toBe(400);
    // Of other families nothing ended.
    expect((await issue()).access_token).toBeDefined();
  });

  it('ends the family also when it is an old one', async () => {
    const first = await issue();
    const second = (await (await use(first.refresh_token)).json()) as Tokens;
    const third = (await (await use(second.refresh_token)).json()) as Tokens;
    await pass(20);
    expect((await use(first.refresh_token)).status).toBe(400);
    expect((await use(third.refresh_token)).status).toBe(400);
    expect(await statusOf(third.access_token)).toBe(401);
  });

  it('ends the family in the other isolate within five seconds', async () => {
    const first = await issue();
    const second = (await (await use(first.refresh_token)).json()) as Tokens;
    expect(await statusOf(second.access_token, 1)).toBe(200);
    await pass(12);
    expect((await use(first.refresh_token)).status).toBe(400);
    expect(await settles(() => statusOf(second.access_token, 1), 401, 5_000)).toBe(401);
  });

  it('ends the family although who presented it died before telling the feed', async () => {
    const first = await issue();
    const second = (await (await use(first.refresh_token)).json()) as Tokens;
    await pass(12);
    await gateway.faults.set({ binding: 'PUBLISHER', method: 'revoke', from: 'worker', mode: 'throw' });
    expect((await use(first.refresh_token)).status).toBe(503);
    // The family's own alarm tells the feed.
    expect(await settles(() => statusOf(second.access_token), 401, 6_000)).toBe(401);
  });
});

describe('a lost reply', () => {
  it('of the rotation costs the tokens and never makes two', async () => {
    const first = await issue();
    await gateway.faults.set({ binding: 'TOKEN_FAMILY', method: 'rotate', mode: 'lose', nth: 1 });
    expect((await use(first.refresh_token)).status).toBe(503);
    // The token is used up, but the family lives: it may have been the client's own retry.
    expect((await use(first.refresh_token)).status).toBe(400);
    expect(await statusOf(first.access_token)).toBe(200);
    await pass(12);
    expect((await use(first.refresh_token)).status).toBe(400);
    expect(await statusOf(first.access_token)).toBe(401);
  });

  it('before the rotation costs nothing', async () => {
    const first = await issue();
    await gateway.faults.set({ binding: 'TOKEN_FAMILY', method: 'rotate', mode: 'throw', nth: 1 });
    expect((await use(first.refresh_token)).status).toBe(503);
    expect((await use(first.refresh_token)).status).toBe(200);
  });

  it('of the feed after the rotation does not keep the new tokens from the client', async () => {
    const first = await issue();
    await gateway.faults.set({ binding: 'PUBLISHER', method: 'revoke', mode: 'throw' });
    const response = await use(first.refresh_token);
    expect(response.status).toBe(200);
    expect(await statusOf(((await response.json()) as Tokens).access_token)).toBe(200);
  });
});

describe('a part that cannot be reached', () => {
  it.each([
    ['the database', { binding: 'DB', mode: 'throw' as const }],
    ['the family', { binding: 'TOKEN_FAMILY', mode: 'throw' as const }],
  ])('%s: 503, and the token is good afterwards', async (_name, fault) => {
    const first = await issue();
    await gateway.faults.set(fault);
    const response = await use(first.refresh_token);
    expect([response.status, ((await response.json()) as any).error]).toEqual([503, 'temporarily_unavailable']);
    expect(response.headers.get('Retry-After')).toBe('1');
    await gateway.faults.set();
    expect((await use(first.refresh_token)).status).toBe(200);
  });

  it('the database: tokens are verified without it', async () => {
    const { access_token } = await issue();
    await gateway.faults.set({ binding: 'DB', mode: 'throw' });
    // `whoami` reads the user, so it fails behind the caller check: 5xx, not 401.
    expect(await statusOf(access_token)).toBeGreaterThanOrEqual(500);
    expect(await statusOf(`${access_token}x`)).toBe(401);
    const { counts } = await gateway.faults.state();
    expect(counts['DB.first'] ?? 0).toBe(0);
  });
});

describe('a crash', () => {
  it("of a family's object loses nothing", async () => {
    const first = await issue();
    const second = (await (await use(first.refresh_token)).json()) as Tokens;
    await gateway.abort('TOKEN_FAMILY', `family::${familyOf(first)}`);
    expect((await use(first.refresh_token)).status).toBe(400);
    expect((await use(second.refresh_token)).status).toBe(200);
  });
});

describe('revocation', () => {
  it('holds in the isolate that made it at once, in the other within five seconds', async () => {
    const { access_token } = await issue();
    expect(await statusOf(access_token, 1)).toBe(200);
    const response = await gateway.fetch('/authorization/revoke', { method: 'POST', headers: bearer(access_token) });
    expect(response.status).toBe(200);
    expect(await statusOf(access_token)).toBe(401);
    expect(await settles(() => statusOf(access_token, 1), 401, 5_000)).toBe(401);
  });

  it('of a user ends every token of the user', async () => {
    const fay = await createUser(gateway, token, 'fay');
    const [a, b] = [await tokensOf(gateway, fay), await tokensOf(gateway, fay)];
    expect([await statusOf(a.access_token), await statusOf(b.access_token, 1)]).toEqual([200, 200]);
    await manage(gateway, token, 'PUT', `/backend/user/${fay.id}`, { status: 2 });
    expect(await statusOf(a.access_token)).toBe(401);
    expect(await settles(() => statusOf(b.access_token, 1), 401, 5_000)).toBe(401);
  });
});

describe('the end of things', () => {
  const day = 86_400;

  it('an access token ends two days after it was issued', async () => {
    const { access_token } = await issue();
    await pass(2 * day - 60);
    expect(await statusOf(access_token)).toBe(200);
    await pass(120);
    expect(await statusOf(access_token)).toBe(401);
  });

  it('a refresh token ends three days after it was issued, each anew', async () => {
    const first = await issue();
    await pass(3 * day - 60);
    const second = await use(first.refresh_token);
    expect(second.status).toBe(200);
    await pass(3 * day - 60);
    const third = await use(((await second.json()) as Tokens).refresh_token);
    expect(third.status).toBe(200);
    await pass(3 * day + 60);
    expect((await use(((await third.json()) as Tokens).refresh_token)).status).toBe(400);
  });

  it('a family is forgotten when its last token is over, and not before', async () => {
    const first = await issue();
    const name = `family::${familyOf(first)}`;
    await pass(2.9 * day);
    await gateway.alarm('TOKEN_FAMILY', name);
    const second = await use(first.refresh_token);
    expect(second.status).toBe(200);
    const { refresh_token } = (await second.json()) as Tokens;
    await pass(4 * day);
    await gateway.faults.set();
    expect((await use(refresh_token)).status).toBe(400);
    expect((await gateway.faults.state()).counts['TOKEN_FAMILY.rotate']).toBe(1);
    await gateway.alarm('TOKEN_FAMILY', name);
    await gateway.faults.set();
    expect((await use(refresh_token)).status).toBe(400);
    // Nobody's family: there was nothing to rotate.
    expect((await gateway.faults.state()).counts['TOKEN_FAMILY.rotate']).toBeUndefined();
  });
});
