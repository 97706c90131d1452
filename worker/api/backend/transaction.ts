import { and, eq, sql } from 'drizzle-orm';
import type { SystemOperation } from '../../core/system-operation.ts';
import { getEntity } from '../../resources/crud.ts';
import { transaction, transactions } from '../../resources/transaction.ts';
import { datedParameters, listDated } from './dated-list.ts';

const scope = 'backend.transaction';

/** The payments of all users. */
export const transactionOperations: readonly SystemOperation[] = [
  {
    name: 'backend.transaction.getAll',
    method: 'GET',
    path: '/backend/transaction',
    description: 'Lists payments, newest first',
    scope,
    query: {
      ...datedParameters,
      planId: { type: 'integer', description: 'For this plan' },
      userId: { type: 'integer', description: 'By this user' },
      appId: { type: 'integer', description: 'Made with this app' },
      status: { type: 'string', description: '1 valid' },
      provider: { type: 'string', description: 'Through this provider of payments' },
      taxonomy: { type: 'integer', description: 'At this node of the taxonomy, where no payment is' },
    },
    async run(call, { query }) {
      const condition = and(
        query.planId === undefined ? undefined : eq(transactions.plan_id, Number(query.planId)),
        query.userId === undefined ? undefined : eq(transactions.user_id, Number(query.userId)),
        query.appId === undefined ? undefined : eq(transactions.app_id, Number(query.appId)),
        query.status ? sql`${transactions.status} = CAST(${query.status} AS INTEGER)` : undefined,
        query.provider ? eq(transactions.provider, String(query.provider)) : undefined,
        query.taxonomy === undefined ? undefined : sql`false`,
      );
      return listDated(call, transaction, transactions.insert_date, query, condition);
    },
  },
  {
    name: 'backend.transaction.get',
    method: 'GET',
    path: '/backend/transaction/$transaction_id<[0-9]+>',
    description: 'Returns one payment',
    scope,
    run: (call, input) => getEntity(call, transaction, String(input.path.transaction_id)),
  },
];
