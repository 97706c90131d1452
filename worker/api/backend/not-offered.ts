import { ApiError } from '../../core/errors.ts';
import type { ParameterRecord } from '../../core/records.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { bundle } from '../../resources/bundle.ts';
import { findRow } from '../../resources/crud.ts';
import { user } from '../../resources/user.ts';

const marketplace = 'The marketplace is a service of others that is not offered here';
const mail = 'No activation mail can be sent: nothing that sends mail is configured';
const typehub = 'TypeHub is a service of others that is not offered here';

const marketplaceQuery: Record<string, ParameterRecord> = {
  startIndex: { type: 'integer', minimum: 0, description: 'How many entries to skip' },
  query: { type: 'string', description: 'Words to look for' },
};

/** Operations of Fusio's that stand on services of others: they are there and answer 501. */
export const notOfferedOperations: readonly SystemOperation[] = [
  ...(['action', 'app', 'bundle'] as const).flatMap((type) => {
    const [name, scope] = [`backend.marketplace.${type}`, 'backend.marketplace'];
    const [all, one] = [`/backend/marketplace/${type}`, `/backend/marketplace/${type}/:user/:name`];
    return [
      { ...notOffered(`${name}.getAll`, 'GET', all, scope, marketplace), query: marketplaceQuery },
      { ...notOffered(`${name}.install`, 'POST', all, scope, marketplace), status: 201 },
      notOffered(`${name}.get`, 'GET', one, scope, marketplace),
      notOffered(`${name}.upgrade`, 'PUT', one, scope, marketplace),
    ];
  }),
  notOffered('backend.specification.publish', 'POST', '/backend/specification', 'backend.specification', typehub),
  notOffered(
    'backend.specification.getChangelog',
    'GET',
    '/backend/specification/changelog',
    'backend.specification',
    typehub,
  ),
  {
    name: 'backend.bundle.publish',
    method: 'POST',
    path: '/backend/bundle/$bundle_id<[0-9]+|^~>/publish',
    description: 'Publishes a bundle at the marketplace (not offered)',
    scope: 'backend.bundle',
    unavailable: { status: 501, reason: marketplace },
    async run(call, input) {
      await findRow(call, bundle, String(input.path.bundle_id));
      throw new ApiError('not_implemented', marketplace);
    },
  },
  {
    name: 'backend.user.resend',
    method: 'POST',
    path: '/backend/user/$user_id<[0-9]+|^~>/resend',
    description: 'Sends the activation mail again',
    scope: 'backend.user',
    unavailable: { status: 503, reason: mail },
    async run(call, input) {
      await findRow(call, user, String(input.path.user_id));
      throw new ApiError('not_configured', mail);
    },
  },
];

function notOffered(
  name: string,
  method: SystemOperation['method'],
  path: string,
  scope: string,
  message: string,
): SystemOperation {
  return {
    ...{ name, method, path, scope, description: `${message}: answers 501` },
    unavailable: { status: 501, reason: message },
    async run() {
      throw new ApiError('not_implemented', message);
    },
  };
}
