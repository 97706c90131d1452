import { formOf } from '../../actions/form.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { identityProviders } from '../../resources/identity-providers.ts';

const scope = 'backend.identity';

/** What identities have beyond CRUD: classes and forms. */
export const identityOperations: readonly SystemOperation[] = [
  {
    name: 'backend.identity.getClasses',
    method: 'GET',
    path: '/backend/identity/list',
    description: 'Lists the classes of identity providers',
    scope,
    run: async () => ({ providers: identityProviders.map(({ name, class: known }) => ({ name, class: known })) }),
  },
  {
    name: 'backend.identity.getForm',
    method: 'GET',
    path: '/backend/identity/form',
    description: 'Returns the configuration form of a class of identity providers',
    scope,
    query: { class: { type: 'string', description: 'Class name' } },
    async run(_call, input) {
      const name = String(input.query.class ?? '').replaceAll('\\', '.');
      const provider = identityProviders.find((known) => known.class === name);
      if (provider === undefined) {
        const message = `The identity class "${name}" does not exist`;
        throw new ApiError('not_found', message, { errors: [{ pointer: '/query/class', rule: 'enum', message }] });
      }
      return formOf(provider.config);
    },
  },
];
