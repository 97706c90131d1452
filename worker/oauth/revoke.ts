import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import type { SystemOperation } from '../core/system-operation.ts';
import { contextOf } from './context.ts';
import { OAuthError } from './errors.ts';
import { endTokens } from './issue.ts';

/** `POST /authorization/revoke`: ends the token that the call is made with, and its refresh token. */
export const revoke: SystemOperation = {
  name: 'authorization.revoke',
  method: 'POST',
  path: '/authorization/revoke',
  description: 'Revoke the access token of the current authenticated user',
  scope: 'authorization',
  outgoing: Type.Object({ success: Type.Boolean() }),
  async run(call) {
    const { token } = call.caller;
    if (token === null) {
      throw new ApiError('missing_token');
    }
    try {
      await endTokens(contextOf(call), token);
    } catch (thrown) {
      throw OAuthError.from(thrown).toApiError('Invalid access token');
    }
    return { success: true };
  },
};
