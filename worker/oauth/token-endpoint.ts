import { ApiError } from '../core/errors.ts';
import type { OAuthContext } from './context.ts';
import { noStore, OAuthError } from './errors.ts';
import { grants } from './grants.ts';
import { observeLogin } from './issue.ts';
import { readTokenRequest } from './token-request.ts';

/**
 * `POST /authorization/token`: exchanges a grant for tokens (RFC 6749 §3.2). Answers `{access_token, token_type, expires_in,
 * refresh_token, scope}` with the scopes separated by commas as Fusio's clients read them, or `{error, error_description}`.
 */
export async function tokenEndpoint(request: Request, context: OAuthContext): Promise<Response> {
  let grantType = '';
  try {
    if (context.snapshot.banned(context.ip, request)) {
      throw new OAuthError('invalid_request', new ApiError('banned').message);
    }
    const tokenRequest = await readTokenRequest(request);
    grantType = tokenRequest.parameters.get('grant_type') ?? '';
    const grant = Object.hasOwn(grants, grantType) ? grants[grantType] : undefined;
    if (grant === undefined) {
      throw new OAuthError('unsupported_grant_type');
    }
    const issued = await grant(tokenRequest, context);
    observeLogin(context, grantType, issued.principal, 'issued');
    const state = tokenRequest.parameters.get('state');
    return Response.json(
      {
        access_token: issued.accessToken,
        token_type: 'bearer',
        expires_in: issued.expiresIn,
        refresh_token: issued.refreshToken,
        scope: issued.scopes.join(','),
        ...(state === undefined ? {} : { state }),
      },
      { headers: noStore },
    );
  } catch (thrown) {
    const error = OAuthError.from(thrown);
    observeLogin(context, grantType, null, 'refused');
    if (error.cause !== undefined) {
      context.runtime.report('oauth.token', error.cause);
    }
    return error.toResponse();
  }
}
