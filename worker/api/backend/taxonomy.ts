import { Type } from 'typebox';
import type { SystemOperation } from '../../core/system-operation.ts';
import { changeEntity, messageSchema } from '../../resources/crud.ts';
import { movable, taxonomy } from '../../resources/taxonomy.ts';

const ids = Type.Optional(Type.Union([Type.Array(Type.Integer()), Type.Null()]));

/** What taxonomies have beyond CRUD: objects come to a node. */
export const taxonomyOperations: readonly SystemOperation[] = [
  {
    name: 'backend.taxonomy.move',
    method: 'POST',
    path: '/backend/taxonomy/$taxonomy_id<[0-9]+|^~>',
    description: 'Moves objects to a node of the taxonomy',
    scope: 'backend.taxonomy',
    incoming: Type.Object(Object.fromEntries(Object.keys(movable).map((member) => [member, ids]))),
    outgoing: messageSchema,
    async run(call, input) {
      const id = await changeEntity(call, taxonomy, {
        resource: 'taxonomy',
        verb: 'update',
        key: String(input.path.taxonomy_id),
        data: Object.fromEntries(
          Object.entries((input.body ?? {}) as Record<string, unknown>).filter(([member]) => member in movable),
        ),
      });
      return { success: true, message: 'Moved objects to taxonomy successfully', id: String(id) };
    },
  },
];
