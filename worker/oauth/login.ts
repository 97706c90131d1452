import { Type } from 'typebox';
import type { Call, Input } from '../core/call.ts';
import { ApiError, invalidAt } from '../core/errors.ts';
import type { SystemOperation } from '../core/system-operation.ts';
import { contextOf, type OAuthContext } from './context.ts';
import { checkUser } from './credentials.ts';
import { noStore, OAuthError } from './errors.ts';
import { type Issued, issueTokens, observeLogin, renewTokens } from './issue.ts';
import { parseScopes } from './scopes.ts';

const given = (maxLength: number) => Type.Optional(Type.Union([Type.String({ maxLength }), Type.Null()]));

const outgoing = Type.Object({
  token: Type.String(),
  expires_in: Type.Integer({ description: 'Seconds' }),
  refresh_token: Type.String(),
  scope: Type.String({ description: 'Scopes, separated by commas' }),
});

/** `POST /consumer/login`: tokens for a user by name or mail address and password, without a client. */
export const login: SystemOperation = {
  name: 'consumer.account.login',
  method: 'POST',
  path: '/consumer/login',
  description: 'User login by providing a username and password',
  scope: null,
  incoming: Type.Object({
    username: given(255),
    password: given(1024),
    scopes: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  }),
  outgoing,
  run: (call, input) =>
    answer(call, 'login', 'Invalid name or password', async (context) => {
      const { username, password, scopes } = input.body as {
        username?: string | null;
        password?: string | null;
        scopes?: string[] | null;
      };
      const user = await checkUser(context, required(username, 'username'), [required(password, 'password')]);
      return issueTokens(context, { user, app: null }, parseScopes((scopes ?? []).join(' ')));
    }),
};

/** `PUT /consumer/login`: exchanges a refresh token of a login. Tokens of an app are renewed where the app presents itself. */
export const refreshLogin: SystemOperation = {
  name: 'consumer.account.refresh',
  method: 'PUT',
  path: '/consumer/login',
  description: 'Refresh a previously obtained access token',
  scope: null,
  incoming: Type.Object({ refresh_token: given(255) }),
  outgoing,
  run: (call, input: Input) =>
    answer(call, 'refresh', 'Invalid refresh token', (context) => {
      const { refresh_token: presented } = (input.body ?? {}) as { refresh_token?: string | null };
      return renewTokens(context, required(presented, 'refresh_token'), [], null, (owner) => {
        if (owner.app !== null) {
          throw new OAuthError('invalid_grant', 'Invalid refresh token');
        }
      });
    }),
};

function required(text: string | null | undefined, member: string): string {
  if (!text) {
    throw invalidAt(`/${member}`, `No ${member.replace('_', ' ')} provided`, 'required');
  }
  return text;
}

async function answer(
  call: Call,
  grant: string,
  wrong: string,
  run: (context: OAuthContext) => Promise<Issued>,
): Promise<Response> {
  const context = contextOf(call);
  try {
    const issued = await run(context);
    observeLogin(context, grant, issued.principal, 'issued');
    return Response.json(
      {
        token: issued.accessToken,
        expires_in: issued.expiresIn,
        refresh_token: issued.refreshToken,
        scope: issued.scopes.join(','),
      },
      { headers: noStore },
    );
  } catch (thrown) {
    observeLogin(context, grant, null, 'refused');
    throw thrown instanceof ApiError ? thrown : OAuthError.from(thrown).toApiError(wrong);
  }
}
