import type { Management } from './management.ts';

/** Makes what the bodies below refer to. */
export async function prepareEntities(api: Management): Promise<void> {
  await api.publish({ name: 'seed.get', httpPath: '/seed' });
  await api.must('POST', '/backend/event', { name: 'seed-sown' });
  await api.must('POST', '/backend/scope', { name: 'seeds' });
}

/** A body that creates one more object of each entity; `unique` is of letters and digits. */
export const entityBodies: Record<string, (unique: string) => Record<string, unknown>> = {
  operation: (unique) => ({
    ...{ name: `op.${unique}`, httpMethod: 'GET', httpPath: `/op/${unique}`, httpCode: 200 },
    ...{ action: 'Static-seed-get', scopes: ['seeds'], description: 'd' },
  }),
  action: (unique) => ({
    ...{ name: `action-${unique}`, class: 'Fusio.Adapter.Util.Action.UtilStaticResponse' },
    config: { response: '{}' },
  }),
  schema: (unique) => ({ name: `Schema-${unique}`, source: { type: 'object' } }),
  connection: (unique) => ({
    ...{ name: `Http-${unique}`, class: 'Fusio.Adapter.Http.Connection.Http' },
    config: { url: 'http://127.0.0.1:1' },
  }),
  scope: (unique) => ({ name: `scope-${unique}`, description: 'd' }),
  rate: (unique) => ({ name: `rate-${unique}`, priority: -1, rateLimit: 10, timespan: 'PT1H', allocation: [] }),
  role: (unique) => ({ name: `role-${unique}`, scopes: ['seeds'] }),
  user: (unique) => ({
    ...{ name: `user-${unique}`, email: `${unique}@example.com`, roleId: 3, password: 'correct-horse-battery' },
  }),
  app: (unique) => ({ name: `app-${unique}`, userId: 1, url: 'https://example.com', scopes: ['seeds'] }),
  agent: (unique) => ({ name: `agent-${unique}`, type: 0, description: 'd', introduction: 'i' }),
  bundle: (unique) => ({ name: `bundle-${unique}`, version: '0.1.0', summary: 's', config: { events: [1] } }),
  category: (unique) => ({ name: `category-${unique}` }),
  cronjob: (unique) => ({ name: `cron-${unique}`, cron: '0 0 1 1 *', action: 'Static-seed-get' }),
  event: (unique) => ({ name: `event-${unique}`, description: 'd' }),
  firewall: (unique) => ({ name: `wall-${unique}`, type: 0, ip: '2001:db8::1' }),
  form: (unique) => ({ name: `form-${unique}`, operationId: 1 }),
  identity: (unique) => ({ name: `identity-${unique}`, class: 'Fusio.Impl.Provider.Identity.Github', config: {} }),
  page: (unique) => ({ title: `Page ${unique}`, content: 'c' }),
  plan: (unique) => ({ name: `plan-${unique}`, price: 1, points: 1, description: 'd' }),
  taxonomy: (unique) => ({ name: `node-${unique}` }),
  trigger: (unique) => ({ name: `trigger-${unique}`, event: 'seed-sown', action: 'Static-seed-get' }),
  webhook: (unique) => ({ name: `hook-${unique}`, eventId: 1, userId: 1, endpoint: 'https://example.com/hook' }),
};

/** Runs `work` for every item, at most so many at once. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>, most = 24): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: most }, async () => {
      for (const item of queue) {
        await work(item);
      }
    }),
  );
}
