import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { askToken, basic, bearer, createApp, createUser, renew, type Tokens, tokensOf, whoami } from './clients.ts';

// Every call of every binding that a flow makes fails in turn, before it happens and after it happened (a lost reply).

let gateway: Gateway;
let dora: Awaited<ReturnType<typeof createUser>>;
let app: Awaited<ReturnType<typeof createApp>>;

beforeAll(async () => {
  gateway = await startGateway({ faults: true });
  const { access_token } = await tokensOf(gateway, await gateway.setup());
  dora = await createUser(gateway, access_token, 'dora');
  app = await createApp(gateway, access_token, dora.id, 'shop', ['authorization']);
});
afterAll(() => gateway?.stop());
beforeEach(() => gateway.faults.set());

const issue = () => askToken(gateway, { grant_type: 'client_credentials' }, basic(app.key, app.secret));
const use = (refreshToken: string) => renew(gateway, refreshToken, basic(app.key, app.secret));
const read = async (response: Response) => (await response.json()) as Tokens;
const alive = async ({ access_token }: Tokens) => (await whoami(gateway, access_token)).status === 200;

/**
 * Runs `flow` with its first call failing, then its second, and so on until none fails any more. `check` judges each run after the
 * fault is gone. Gives how many calls failed.
 */
async function sweep(
  mode: 'throw' | 'lose',
  flow: () => Promise<() => Promise<Response>>,
  check: (response: Response, nth: number) => Promise<void>,
): Promise<number> {
  for (let nth = 1; nth <= 60; nth++) {
    const act = await flow();
    await gateway.faults.set({ binding: '*', from: 'worker', mode, nth });
    const response = await act();
    const happened = (await gateway.faults.state()).happened[0];
    await gateway.faults.set();
    expect(response.status, `call ${nth}: ${await response.clone().text()}`).not.toBe(500);
    await check(response, nth);
    if (happened === 0) {
      return nth - 1;
    }
  }
  throw new Error('The flow never ended');
}

describe.each(['throw', 'lose'] as const)('every call fails by %s', (mode) => {
  it('in issuing: no tokens, or tokens that work', async () => {
    const failed = await sweep(
      mode,
      async () => issue,
      async (response, nth) => {
        if (response.status === 200) {
          const tokens = await read(response);
          expect(await alive(tokens), `call ${nth}`).toBe(true);
          expect((await use(tokens.refresh_token)).status, `call ${nth}`).toBe(200);
        } else {
          expect(response.status, `call ${nth}`).toBe(503);
        }
      },
    );
    expect(failed).toBeGreaterThanOrEqual(5);
  });

  it('in refreshing: never two good refresh tokens, and never a new one lost that was answered', async () => {
    let old: Tokens;
    const failed = await sweep(
      mode,
      async () => {
        old = await read(await issue());
        return () => use(old.refresh_token);
      },
      async (response, nth) => {
        if (response.status === 200) {
          const renewed = await read(response);
          expect((await use(old.refresh_token)).status, `call ${nth}`).toBe(400);
          expect(await alive(renewed), `call ${nth}`).toBe(true);
          expect((await use(renewed.refresh_token)).status, `call ${nth}`).toBe(200);
        } else {
          expect(response.status, `call ${nth}`).toBe(503);
          // Either nothing happened, or the token is used up and the family lives.
          expect([200, 400], `call ${nth}`).toContain((await use(old.refresh_token)).status);
        }
      },
    );
    expect(failed).toBeGreaterThanOrEqual(6);
  });

  it('in revoking: when it is answered with success the tokens are dead; else it can be repeated', async () => {
    let tokens: Tokens;
    const revoke = () =>
      gateway.fetch('/authorization/revoke', { method: 'POST', headers: bearer(tokens.access_token) });
    const failed = await sweep(
      mode,
      async () => {
        tokens = await read(await issue());
        return revoke;
      },
      async (response, nth) => {
        if (response.status !== 200) {
          expect(response.status, `call ${nth}`).toBe(503);
          expect([200, 401], `call ${nth}`).toContain((await revoke()).status);
        }
        expect(await alive(tokens), `call ${nth}`).toBe(false);
        expect((await use(tokens.refresh_token)).status, `call ${nth}`).toBe(400);
      },
    );
    expect(failed).toBeGreaterThanOrEqual(3);
  });
});
