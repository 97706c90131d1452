import type { SystemOperation } from '../../core/system-operation.ts';
import { collectionParameters, getEntity, listEntities } from '../../resources/crud.ts';
import { transaction, transactions } from '../../resources/transaction.ts';
import { ownedBy } from './own.ts';

const scope = 'consumer.transaction';

/** The own payments. */
export const consumerTransactionOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/transaction',
    description: 'Lists the own payments, newest first',
    scope,
    query: collectionParameters,
    run: async (call, { query }) => listEntities(call, transaction, query, ownedBy(call, transactions)),
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: '/consumer/transaction/$transaction_id<[0-9]+|^~>',
    description: 'Returns an own payment',
    scope,
    run: async (call, input) =>
      getEntity(call, transaction, String(input.path.transaction_id), ownedBy(call, transactions)),
  },
];
