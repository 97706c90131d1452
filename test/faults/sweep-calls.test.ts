import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Answer, type Management, manage, request } from '../helpers/management.ts';
import { basic, createApp, createUser, type Tokens } from '../oauth/clients.ts';
import { alive, answersWell, tokensWork, withinLimit } from './invariants.ts';
import { sweep } from './sweep.ts';

// Every call of a binding that tokens and limits need fails in turn.

let gateway: Gateway;
let admin: Management;
let app: Awaited<ReturnType<typeof createApp>>;
const limit = 6;

beforeAll(async () => {
  gateway = await startGateway({ faults: true, vars: { TRUSTED_IP_HEADER: 'X-Client' } });
  admin = await manage(gateway);
  const dora = await createUser(gateway, admin.token, 'dora');
  app = await createApp(gateway, admin.token, dora.id, 'shop', ['authorization']);
  await admin.publish({ name: 'swept.counted', httpPath: '/counted', public: true });
  const { id } = await admin.must('GET', '/backend/operation/~swept.counted');
  await admin.must('POST', '/backend/rate', {
    name: 'Swept',
    priority: 100,
    rateLimit: limit,
    timespan: 'PT1H',
    mode: 'exact',
    onError: 'closed',
    allocation: [{ operationId: id }],
  });
});
afterAll(() => gateway?.stop());
beforeEach(() => gateway.faults.set());

function ask(parameters: Record<string, string>): Promise<Answer> {
  return request(gateway, 'POST', '/authorization/token', new URLSearchParams(parameters).toString(), {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...basic(app.key, app.secret) },
  });
}
const issue = () => ask({ grant_type: 'client_credentials' });
const renew = (refreshToken: string) => ask({ grant_type: 'refresh_token', refresh_token: refreshToken });
const fresh = async (): Promise<Tokens> => {
  const { status, body } = await issue();
  expect(status).toBe(200);
  return body;
};

describe('whatever call fails', { timeout: 530_000 }, () => {
  it('issuing gives tokens that work, or none', async () => {
    const swept = await sweep({
      gateway,
      prepare: async () => {},
      run: issue,
      check: async (_, answer, failed) => {
        answersWell(answer, failed);
        await tokensWork(gateway, answer.status === 200 ? answer.body : await fresh(), renew);
      },
    });
    expect(swept.length).toBeGreaterThan(2);
  });

  it('refreshing never makes two good tokens, and never loses a new one that was answered', async () => {
    const swept = await sweep({
      gateway,
      prepare: fresh,
      run: ({ refresh_token }) => renew(refresh_token),
      check: async (old, answer, failed) => {
        // Where a message came twice, the second one found the token used.
        if (failed?.mode !== 'twice' || answer.status !== 400) {
          answersWell(answer, failed);
        }
        const again = await renew(old.refresh_token);
        if (answer.status === 200) {
          expect(again.status).toBe(400);
          await tokensWork(gateway, answer.body, renew);
        } else {
          // Either nothing happened, or the token is used up and the family lives.
          expect([200, 400]).toContain(again.status);
          const { access_token } = again.status === 200 ? again.body : old;
          expect(await alive(gateway, access_token)).toBe(true);
        }
      },
    });
    expect(swept.some(({ call }) => call.binding === 'TOKEN_FAMILY' || call.binding === 'DB')).toBe(true);
  });

  it('revoking is done when it was answered with success; else it can be repeated', async () => {
    const revoke = ({ access_token }: Tokens) =>
      request(gateway, 'POST', '/authorization/revoke', undefined, {
        headers: { Authorization: `Bearer ${access_token}` },
      });
    const swept = await sweep({
      gateway,
      prepare: fresh,
      run: revoke,
      check: async (tokens, answer, failed) => {
        answersWell(answer, failed);
        if (answer.status !== 200) {
          expect([200, 401]).toContain((await revoke(tokens)).status);
        }
        expect(await alive(gateway, tokens.access_token)).toBe(false);
        expect((await renew(tokens.refresh_token)).status).toBe(400);
      },
    });
    expect(swept.length).toBeGreaterThan(1);
  });

  it('a limit is never exceeded, and a fault costs at most a block', async () => {
    let serial = 0;
    const call = (client: string) =>
      request(gateway, 'GET', '/counted', undefined, { headers: { 'X-Client': client } });
    const swept = await sweep({
      gateway,
      prepare: async () => {
        serial += 1;
        return `10.0.${serial >> 8}.${serial & 255}`;
      },
      run: async (client) => [await call(client), await call(client)],
      check: async (client, first, failed) => {
        const answers = [...first];
        for (const answer of first) {
          answersWell(answer, failed);
        }
        for (let count = 0; count < limit + 2; count += 1) {
          answers.push(await call(client));
        }
        expect(answers.at(-1)!.status).toBe(429);
        const admitted = answers.filter(({ status }) => status === 200).length;
        // A fault costs a message; where one comes twice, it is counted twice.
        withinLimit(admitted, limit, failed === null ? 0 : 2);
      },
    });
    expect(swept.some(({ call: { binding } }) => binding === 'LIMITER')).toBe(true);
  });
});
