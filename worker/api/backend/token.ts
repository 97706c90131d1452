import { and, eq, sql } from 'drizzle-orm';
import type { Call, Input } from '../../core/call.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { contextOf } from '../../oauth/context.ts';
import { OAuthError } from '../../oauth/errors.ts';
import { endTokens } from '../../oauth/issue.ts';
import { findRow, getEntity, messageSchema } from '../../resources/crud.ts';
import type { Row } from '../../resources/define.ts';
import { token, tokens } from '../../resources/token.ts';
import { datedParameters, listDated } from './dated-list.ts';

const scope = 'backend.token';
const one = '/backend/token/$token_id<[0-9]+>';

/** The tokens of all users. */
export const tokenOperations: readonly SystemOperation[] = [
  {
    name: 'backend.token.getAll',
    method: 'GET',
    path: '/backend/token',
    description: 'Lists issued tokens, newest first',
    scope,
    query: {
      ...datedParameters,
      appId: { type: 'integer', description: 'Issued to this app' },
      userId: { type: 'integer', description: 'Issued to this user' },
      status: { type: 'integer', description: '1 active' },
      scope: { type: 'string', description: 'With this scope' },
      ip: { type: 'string', description: 'Asked for from this address' },
    },
    run: list,
  },
  {
    name: 'backend.token.get',
    method: 'GET',
    path: one,
    description: 'Returns one token',
    scope,
    run: (call, input) => getEntity(call, token, String(input.path.token_id)),
  },
  {
    name: 'backend.token.delete',
    method: 'DELETE',
    path: one,
    description: 'Ends one token and its refresh token',
    scope,
    outgoing: messageSchema,
    async run(call, input) {
      const row = await findRow(call, token, String(input.path.token_id));
      await endToken(call, row);
      return { success: true, message: 'Token successfully deleted', id: String(row.id) };
    },
  },
];

function list(call: Call, { query }: Input) {
  const condition = and(
    query.appId === undefined ? undefined : eq(tokens.app_id, Number(query.appId)),
    query.userId === undefined ? undefined : eq(tokens.user_id, Number(query.userId)),
    query.status === undefined ? undefined : eq(tokens.status, Number(query.status)),
    query.scope === undefined
      ? undefined
      : sql`EXISTS (SELECT 1 FROM json_each(${tokens.scopes}) WHERE value = ${String(query.scope)})`,
    query.ip === undefined ? undefined : eq(tokens.ip, String(query.ip)),
  );
  return listDated(call, token, tokens.date, query, condition);
}

/** Ends what a row of the list stands for. */
export async function endToken(call: Call, row: Row): Promise<void> {
  const expires = Math.ceil(Date.parse(row.expire) / 1000) + 1;
  try {
    await endTokens(contextOf(call), { jti: row.jti, family: row.family, expires });
  } catch (thrown) {
    throw OAuthError.from(thrown).toApiError('The token could not be ended');
  }
}
