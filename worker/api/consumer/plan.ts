import type { SystemOperation } from '../../core/system-operation.ts';
import { collectionParameters, getEntity, listEntities } from '../../resources/crud.ts';
import { plan } from '../../resources/plan.ts';
import { pick, pickAll } from './own.ts';

const scope = 'consumer.plan';
const shown = ['id', 'name', 'description', 'price', 'points', 'period', 'metadata'];

/** What users can buy. */
export const consumerPlanOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/plan',
    description: 'Lists the plans, cheapest first',
    scope,
    query: collectionParameters,
    run: (call, { query }) => pickAll(listEntities(call, plan, query), shown),
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: '/consumer/plan/$plan_id<[0-9]+|^~>',
    description: 'Returns one plan',
    scope,
    run: async (call, input) => pick(await getEntity(call, plan, String(input.path.plan_id)), shown),
  },
];
