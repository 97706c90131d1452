import type { OAuthContext } from './context.ts';
import { checkAppClient, checkClient, checkUser, type Principal } from './credentials.ts';
import { OAuthError } from './errors.ts';
import { type Issued, issueTokens, renewTokens } from './issue.ts';
import { parseScopes } from './scopes.ts';
import type { TokenRequest } from './token-request.ts';

/** Turns one kind of proof into tokens. Throws OAuthError. */
export type Grant = (request: TokenRequest, context: OAuthContext) => Promise<Issued>;

/** RFC 6749 §4.4, for an app (on behalf of its owner) or, as Fusio's clients do, for a user by name and password. */
const clientCredentials: Grant = async ({ client, parameters }, context) => {
  if (client === null) {
    throw new OAuthError('invalid_request', 'Credentials not available');
  }
  return issueTokens(context, await checkClient(context, client), parseScopes(parameters.get('scope')));
};

/** RFC 6749 §4.3: an app presents itself and the name and password that a user gave to it. */
const password: Grant = async ({ client, parameters }, context) => {
  if (client === null) {
    throw new OAuthError('invalid_request', 'Credentials not available');
  }
  const app = await checkAppClient(context, client);
  const [username, secret] = [parameters.get('username'), parameters.get('password')];
  if (!username || !secret) {
    throw new OAuthError('invalid_request', 'Username or password not available');
  }
  const user = await checkUser(context, username, [secret]).catch((thrown) => {
    // It is the user who is unknown, not the client (RFC 6749 §5.2).
    throw thrown instanceof OAuthError && thrown.code === 'invalid_client' ? new OAuthError('invalid_grant') : thrown;
  });
  return issueTokens(context, { user, app }, parseScopes(parameters.get('scope')));
};

/** RFC 6749 §6: a token that was issued to an app is renewed for this app only, which presents itself. */
const refreshToken: Grant = async ({ client, parameters }, context) => {
  const presented = parameters.get('refresh_token');
  if (presented === undefined) {
    throw new OAuthError('invalid_request', 'Refresh token not available');
  }
  const principal = client === null ? null : await checkClient(context, client);
  return renewTokens(context, presented, parseScopes(parameters.get('scope')), principal, admit);
};

function admit(owner: Principal, client: Principal | null): void {
  if (owner.app !== null && client === null) {
    throw new OAuthError('invalid_client');
  }
  if (
    client !== null &&
    (client.app?.id !== owner.app?.id || (client.app === null && client.user.id !== owner.user.id))
  ) {
    throw new OAuthError('invalid_grant', 'Invalid refresh token');
  }
}

/** The grants of the token endpoint by `grant_type`; discovery lists them. */
export const grants: Readonly<Record<string, Grant>> = {
  client_credentials: clientCredentials,
  password,
  refresh_token: refreshToken,
};
