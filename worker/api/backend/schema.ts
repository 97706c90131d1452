import { Type } from 'typebox';
import type { SystemOperation } from '../../core/system-operation.ts';
import { changeEntity, findRow, messageSchema } from '../../resources/crud.ts';
import { schema } from '../../resources/schema.ts';
import { commitOperations } from './commits.ts';

/** What schemas have beyond CRUD: a preview, a form and the history. */
export const schemaOperations: readonly SystemOperation[] = [
  ...commitOperations('schema'),
  {
    name: 'backend.schema.getPreview',
    method: 'POST',
    path: '/backend/schema/preview/:schema_id',
    description: 'Renders a schema as HTML',
    scope: 'backend.schema',
    async run(call, input) {
      const row = await findRow(call, schema, String(input.path.schema_id));
      return { preview: `<pre class="schema">${escapeHtml(JSON.stringify(row.compiled, null, 2))}</pre>` };
    },
  },
  {
    name: 'backend.schema.updateForm',
    // Legacy: a schema's update takes its form as well.
    stability: 3,
    method: 'PUT',
    path: '/backend/schema/form/$schema_id<[0-9]+>',
    description: 'Sets the UI hints of a schema',
    scope: 'backend.schema',
    incoming: Type.Record(Type.String(), Type.Unknown()),
    outgoing: messageSchema,
    async run(call, input) {
      const id = await changeEntity(call, schema, {
        resource: 'schema',
        verb: 'update',
        key: String(input.path.schema_id),
        data: { form: input.body },
      });
      return { success: true, message: 'Form successfully updated', id: String(id) };
    },
  },
];

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
