import { and, isNotNull } from 'drizzle-orm';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { invalidAt } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { contextOf } from '../../oauth/context.ts';
import { OAuthError } from '../../oauth/errors.ts';
import { issueTokens, type PersonalToken } from '../../oauth/issue.ts';
import { collectionParameters, findRow, getEntity, listEntities, messageSchema } from '../../resources/crud.ts';
import { holds } from '../../resources/statements.ts';
import { token, tokens } from '../../resources/token.ts';
import { endToken } from '../backend/token.ts';
import { callerAccount, givableScopes, ownedBy, ownLimit } from './own.ts';

const scope = 'consumer.token';
const one = '/consumer/token/$token_id<[0-9]+|^~>';
/** Days that a personal access token lives at most. */
const longest = 365;

const issued = Type.Object({
  access_token: Type.String(),
  token_type: Type.String(),
  expires_in: Type.Integer({ description: 'Seconds' }),
  refresh_token: Type.String(),
  scope: Type.String(),
});
const expire = Type.String({
  description: `Day on which the token ends, at most ${longest} days from now: 2027-10-10`,
});
const name = Type.String({ minLength: 1, maxLength: 255, description: 'What the token is for' });

/** Personal access tokens: a user makes them for scripts, each with a name, scopes and an end. */
export const consumerTokenOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/token',
    description: 'Lists the own personal access tokens',
    scope,
    query: collectionParameters,
    run: (call, { query }) => listEntities(call, token, query, personal(call)),
  },
  {
    name: `${scope}.create`,
    method: 'POST',
    path: '/consumer/token',
    description: 'Makes a personal access token; it is shown once',
    scope,
    status: 201,
    incoming: Type.Object({ name, scopes: Type.Optional(Type.Array(Type.String())), expire: Type.Optional(expire) }),
    outgoing: issued,
    run: create,
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: one,
    description: 'Returns an own personal access token, without the token itself',
    scope,
    run: (call, input) => getEntity(call, token, String(input.path.token_id), personal(call)),
  },
  {
    name: `${scope}.update`,
    method: 'PUT',
    path: one,
    description: 'Replaces a personal access token by a new one with the same scopes',
    scope,
    incoming: Type.Object({ name: Type.Optional(name), expire: Type.Optional(expire) }),
    outgoing: issued,
    run: update,
  },
  {
    name: `${scope}.delete`,
    method: 'DELETE',
    path: one,
    description: 'Ends a personal access token',
    scope,
    outgoing: messageSchema,
    async run(call, input) {
      const row = await findRow(call, token, String(input.path.token_id), personal(call));
      await endToken(call, row);
      return { success: true, message: 'Token successfully deleted', id: String(row.id) };
    },
  },
];

/** Tokens of logins have no name and are not shown here. */
function personal(call: Call) {
  return and(ownedBy(call, tokens), isNotNull(tokens.name));
}

async function create(call: Call, input: Input) {
  const body = input.body as { name: string; scopes?: string[]; expire?: string };
  return issue(call, body.scopes ?? [], { name: body.name, expires: endOf(call, body.expire), limit: limitOf(call) });
}

async function update(call: Call, input: Input) {
  const body = input.body as { name?: string; expire?: string };
  const row = await findRow(call, token, String(input.path.token_id), personal(call));
  const expires = endOf(call, body.expire);
  const limit = limitOf(call);
  if (!(await holds(call.runtime.env.DB, limit))) {
    throw limit.refusal();
  }
  // The old one ends first: for a moment there is none, never two.
  await endToken(call, row);
  return issue(call, row.scopes, { name: body.name ?? row.name, expires, row: row.id, limit });
}

const limitOf = (call: Call) =>
  ownLimit(call, 'consumer_max_tokens', 'token', 'status = 1 AND name IS NOT NULL', 'token');

async function issue(call: Call, scopes: string[], wanted: PersonalToken) {
  try {
    const given = await givableScopes(call, scopes.length === 0 ? null : scopes);
    if (given.length === 0) {
      throw new OAuthError('invalid_scope', 'Provide at least one valid scope for the token');
    }
    const owner = { user: await callerAccount(call), app: null };
    const made = await issueTokens(contextOf(call), owner, given, wanted);
    call.headers.set('Cache-Control', 'no-store');
    return {
      access_token: made.accessToken,
      token_type: 'bearer',
      expires_in: made.expiresIn,
      refresh_token: made.refreshToken,
      scope: made.scopes.join(','),
    };
  } catch (thrown) {
    throw thrown instanceof OAuthError ? thrown.toApiError('No valid scope given') : thrown;
  }
}

/** A day or a moment to come, seconds since the epoch. */
function endOf(call: Call, text: string | null | undefined): number {
  if (text === undefined || text === null) {
    throw invalidAt('/expire', 'No expire date provided', 'required');
  }
  const now = call.runtime.now();
  const day = /^\d{4}-\d\d-\d\d$/.test(text);
  const at =
    day || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!(at > now)) {
    throw invalidAt('/expire', 'Expire date must be in the future', 'range');
  }
  if (at > now + longest * 86_400_000) {
    throw invalidAt('/expire', `Expire date can only be max ${longest} days into the future`, 'range');
  }
  return Math.floor(at / 1000);
}
