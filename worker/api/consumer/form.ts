import { sql } from 'drizzle-orm';
import { baseUrlOf } from '../../core/base-url.ts';
import type { Call, Input } from '../../core/call.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { visibleTo } from '../../resources/authority-read.ts';
import { collectionParameters, findRow, getEntity, listEntities } from '../../resources/crud.ts';
import { form, forms } from '../../resources/form.ts';
import { operation, operations } from '../../resources/operation.ts';
import { nameIn } from '../../resources/operation-references.ts';
import { formSchema } from './json-schema.ts';
import { pick, pickAll } from './own.ts';

/** Forms for everybody who fills them in. */
export const consumerFormOperations: readonly SystemOperation[] = [
  {
    name: 'consumer.form.getAll',
    method: 'GET',
    path: '/consumer/form',
    description: 'Lists the forms',
    scope: null,
    query: collectionParameters,
    run: (call, { query }) =>
      pickAll(listEntities(call, form, query, fillable(call)), ['id', 'status', 'name', 'metadata']),
  },
  {
    name: 'consumer.form.get',
    method: 'GET',
    path: '/consumer/form/:form_id',
    description:
      'Returns a form by id or ~name: where it is sent to, the schema of its payload and hints for drawing it',
    scope: null,
    run: get,
  },
];

/** Forms of operations that the caller may not see are not for him. */
function fillable(call: Call) {
  return sql`EXISTS (SELECT 1 FROM ${operations} WHERE ${operations.id} = ${forms.operation_id} AND ${visibleTo(call, operation)})`;
}

async function get(call: Call, input: Input) {
  const key = String(input.path.form_id);
  const entity = await getEntity(call, form, key, fillable(call));
  const target = await findRow(call, operation, String(entity.operationId));
  const name = nameIn(target.incoming, 'schema');
  const schema = name === null ? undefined : await call.snapshot.schema(target.incoming.replace(/^schema:\/\//, ''));
  return {
    ...pick(entity, ['id', 'status', 'name']),
    action: baseUrlOf(call.runtime.env, call.url, call.tenant) + target.http_path,
    method: target.http_method,
    ...(schema === undefined ? {} : { jsonSchema: formSchema(schema.compiled) }),
    ...pick(entity, ['uiSchema', 'metadata']),
  };
}
