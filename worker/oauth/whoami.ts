import type { SystemOperation } from '../core/system-operation.ts';
import { getEntity } from '../resources/crud.ts';
import { user } from '../resources/user.ts';
import { scopesOfUser, userById } from './accounts.ts';
import { contextOf } from './context.ts';
import { OAuthError } from './errors.ts';

/** `GET /authorization/whoami`: the user that the token speaks for, with every scope that the assigned ones stand for. */
export const whoami: SystemOperation = {
  name: 'authorization.getWhoami',
  method: 'GET',
  path: '/authorization/whoami',
  description: 'Returns user data of the current authenticated user',
  scope: 'authorization',
  async run(call) {
    const context = contextOf(call);
    const { apps: _elsewhere, ...entity } = await getEntity(call, user, String(call.caller.userId));
    try {
      const account = await userById(context, call.caller.userId!);
      return account === null ? entity : { ...entity, scopes: await scopesOfUser(context, account) };
    } catch (thrown) {
      throw OAuthError.from(thrown).toApiError('Invalid access token');
    }
  },
};
