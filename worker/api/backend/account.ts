import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { invalidAt } from '../../core/errors.ts';
import type { Actor } from '../../core/ports.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { contextOf } from '../../oauth/context.ts';
import { checkUser } from '../../oauth/credentials.ts';
import { OAuthError } from '../../oauth/errors.ts';
import { whoami } from '../../oauth/whoami.ts';
import { actorOf, changeEntity, messageSchema } from '../../resources/crud.ts';
import { writable } from '../../resources/define.ts';
import { user } from '../../resources/user.ts';

const text = (description: string) => Type.Optional(Type.Union([Type.String({ description }), Type.Null()]));

const passwordChange = Type.Object({
  oldPassword: text('The password so far'),
  newPassword: text('The new one'),
  verifyPassword: text('The new one again'),
});

/** The own account of who works in the backend; the consumer side has the same three. */
export function accountOperations(side: 'backend' | 'consumer'): SystemOperation[] {
  const scope = `${side}.account`;
  return [
    {
      ...whoami,
      name: `${scope}.get`,
      path: `/${side}/account`,
      description: 'Returns the own account',
      scope,
    },
    {
      name: `${scope}.update`,
      method: 'PUT',
      path: `/${side}/account`,
      description: 'Changes mail address and metadata of the own account',
      scope,
      incoming: writable(user),
      outgoing: messageSchema,
      run: (call, input) => update(call, input, side),
    },
    {
      name: `${scope}.changePassword`,
      method: 'PUT',
      path: `/${side}/account/change_password`,
      description: 'Changes the own password; every token of the account ends with it',
      scope,
      incoming: passwordChange,
      outgoing: messageSchema,
      run: changePassword,
    },
  ];
}

/** Nobody changes the own role, plan, scopes, status or name; what a client puts back of them has no effect. */
async function update(call: Call, input: Input, side: 'backend' | 'consumer') {
  const { email, metadata } = (input.body ?? {}) as { email?: unknown; metadata?: unknown };
  const id = await changeEntity(
    call,
    user,
    {
      resource: 'user',
      verb: 'update',
      key: String(call.caller.userId),
      data: { email, metadata },
    },
    { actor: self(call) },
  );
  return {
    success: true,
    message: side === 'backend' ? 'Account successful changed' : 'Account successfully updated',
    id: String(id),
  };
}

async function changePassword(call: Call, input: Input) {
  const { oldPassword, newPassword, verifyPassword } = (input.body ?? {}) as Record<string, string | null | undefined>;
  if (!newPassword) {
    throw invalidAt('/newPassword', 'New password must not be empty', 'required');
  }
  if (!oldPassword) {
    throw invalidAt('/oldPassword', 'Old password must not be empty', 'required');
  }
  if (newPassword !== verifyPassword) {
    throw invalidAt('/verifyPassword', 'New password does not match the verify password');
  }
  try {
    const found = await checkUser(contextOf(call), call.caller.userName ?? '', [oldPassword]);
    if (found.id !== call.caller.userId) {
      throw invalidAt('/oldPassword', 'Changing password failed');
    }
  } catch (thrown) {
    if (thrown instanceof OAuthError && thrown.code === 'invalid_client') {
      throw invalidAt('/oldPassword', 'Changing password failed');
    }
    throw thrown instanceof OAuthError ? thrown.toApiError('Changing password failed') : thrown;
  }
  await changeEntity(
    call,
    user,
    {
      resource: 'user',
      verb: 'update',
      key: String(call.caller.userId),
      data: { password: newPassword },
    },
    { actor: self(call) },
  );
  return { success: true, message: 'Password successful changed' };
}

/** Whoever changes the own account gains nothing by it: no scope of the token is asked for. */
function self(call: Call): Actor {
  return { ...actorOf(call), scopes: undefined };
}
