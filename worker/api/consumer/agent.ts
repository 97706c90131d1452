import { eq } from 'drizzle-orm';
import type { SystemOperation } from '../../core/system-operation.ts';
import { agent, agents } from '../../resources/agent.ts';
import { collectionParameters, getEntity, listEntities } from '../../resources/crud.ts';
import { messageOperations } from '../backend/agent.ts';
import { pick, pickAll } from './own.ts';

const scope = 'consumer.agent';
const shown = ['id', 'name', 'description'];

/** The agents that consumers may see. */
export const consumerAgentOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/agent',
    description: 'Lists the public agents',
    scope,
    query: collectionParameters,
    run: (call, { query }) => pickAll(listEntities(call, agent, query, eq(agents.public, true)), shown),
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: '/consumer/agent/$agent_id<[0-9]+|^~>',
    description: 'Returns a public agent',
    scope,
    run: async (call, input) =>
      pick(await getEntity(call, agent, String(input.path.agent_id), eq(agents.public, true)), shown),
  },
  ...messageOperations('consumer'),
];
