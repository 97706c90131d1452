import type { SystemOperation } from '../../core/system-operation.ts';

/** What a login screen asks before anybody is logged in. No provider can be asked yet (later.ts), so that it is to show none. */
export const consumerIdentityOperations: readonly SystemOperation[] = [
  {
    name: 'consumer.identity.getAll',
    method: 'GET',
    path: '/consumer/identity',
    description: 'Lists the identity providers at which users of an app can log in',
    scope: null,
    query: {
      appId: { type: 'integer', deprecated: true, description: 'For this app; the key says it without a number' },
      appKey: { type: 'string', description: 'For the app with this key' },
    },
    run: async () => ({ totalResults: 0, startIndex: 0, itemsPerPage: 16, entry: [] }),
  },
];
