import { ApiError } from '../core/errors.ts';
import type { ParameterRecord } from '../core/records.ts';
import type { SystemOperation } from '../core/system-operation.ts';
import { collectionParameters } from '../resources/crud.ts';

type Row = [
  name: string,
  method: SystemOperation['method'],
  path: string,
  status?: number,
  query?: Record<string, ParameterRecord>,
];

const text: ParameterRecord = { type: 'string' };
const { startIndex, count } = collectionParameters as Record<string, ParameterRecord>;
const paging = { startIndex: startIndex!, count: count! };

/**
 * Operations of Fusio's that are declared, so that clients find them with their contract and their scope, and that answer
 * 503 with the name of the part that is missing. Whoever builds the part takes the row away; until then what is built wins.
 */
export const laterOperations: readonly SystemOperation[] = [
  ...later('No connection of this installation has files', [
    ['backend.connection.filesystem.create', 'POST', '/backend/connection/:connection_id/filesystem', 201],
    ['backend.connection.filesystem.delete', 'DELETE', '/backend/connection/:connection_id/filesystem/:file_id'],
    ['backend.connection.filesystem.get', 'GET', '/backend/connection/:connection_id/filesystem/:file_id'],
    ['backend.connection.filesystem.getAll', 'GET', '/backend/connection/:connection_id/filesystem', 200, paging],
    ['backend.connection.filesystem.update', 'PUT', '/backend/connection/:connection_id/filesystem/:file_id'],
  ]),
  ...later('No connection of this installation talks to a model', [
    ['backend.connection.agent.send', 'POST', '/backend/connection/:connection_id/agent'],
  ]),
  ...later('No connection of this installation comes with a specification', [
    ['backend.connection.sdk.get', 'GET', '/backend/connection/:connection_id/sdk'],
  ]),
  ...later('No connection of this installation is authorized by its users', [
    ['backend.connection.getRedirect', 'GET', '/backend/connection/:connection_id/redirect'],
    ['system.connection.callback', 'GET', '/system/connection/:name/callback'],
  ]),
  ...later('Client libraries cannot be made yet', [
    ['backend.sdk.generate', 'POST', '/backend/sdk'],
    ['backend.sdk.getAll', 'GET', '/backend/sdk'],
  ]),
  ...later('Nothing that sends mail is configured, so that nobody can register or be told a new password', [
    ['consumer.account.activate', 'POST', '/consumer/activate'],
    ['consumer.account.executePasswordReset', 'PUT', '/consumer/password_reset'],
    ['consumer.account.register', 'POST', '/consumer/register'],
    ['consumer.account.requestPasswordReset', 'POST', '/consumer/password_reset'],
  ]),
  ...later('Apps cannot be authorized by users yet', [
    ['consumer.account.authorize', 'POST', '/consumer/authorize'],
    ['consumer.account.getApp', 'GET', '/consumer/authorize', 200, { client_id: text, scope: text }],
  ]),
  ...later('No identity provider can be asked yet', [
    ['consumer.identity.exchange', 'GET', '/consumer/identity/:identity/exchange'],
    ['consumer.identity.redirect', 'GET', '/consumer/identity/:identity/redirect'],
  ]),
  ...later('No payment provider is configured', [
    ['consumer.payment.checkout', 'POST', '/consumer/payment/:provider/checkout'],
    ['consumer.payment.portal', 'POST', '/consumer/payment/:provider/portal'],
    ['system.payment.webhook', 'POST', '/system/payment/:provider/webhook'],
  ]),
];

function later(missing: string, rows: readonly Row[]): SystemOperation[] {
  return rows.map(([name, method, path, status = 200, query = {}]) => ({
    ...{ name, method, path, status, query },
    description: `${missing}: answers 503`,
    scope: scopeOf(name),
    unavailable: { status: 503, reason: missing },
    async run() {
      throw new ApiError('not_configured', missing);
    },
  }));
}

/** Who registers, logs in elsewhere or calls back has no token yet. */
function scopeOf(name: string): string | null {
  const [room, noun] = name.split('.');
  const open = room === 'system' || name.startsWith('consumer.account') || name.startsWith('consumer.identity');
  return open ? null : `${room}.${noun}`;
}
