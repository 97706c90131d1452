import { ne } from 'drizzle-orm';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { collectionParameters, getEntity, listEntities } from '../../resources/crud.ts';
import { event, events } from '../../resources/event.ts';
import { pick, pickAll } from './own.ts';

const scope = 'consumer.event';
const shown = ['id', 'status', 'name', 'description', 'metadata'];

/** The events of the API; those of the platform itself are not for consumers. */
export const consumerEventOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/event',
    description: 'Lists the events that webhooks can wait for',
    scope,
    query: collectionParameters,
    run: (call, { query }) =>
      pickAll(listEntities(call, event, query, ne(events.category_id, categories.backend)), shown),
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: '/consumer/event/$event_id<[0-9]+|^~>',
    description: 'Returns one event',
    scope,
    run: async (call, input) =>
      pick(
        await getEntity(call, event, String(input.path.event_id), ne(events.category_id, categories.backend)),
        shown,
      ),
  },
];
