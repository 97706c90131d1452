import type { Call, Caller, CallOperation } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import { grants } from '../core/scope-grant.ts';
import { challenge } from './authenticate.ts';

/**
 * Whether the caller may use the operation: at least one of its scopes must be granted by the token. A public operation asks
 * for nothing. Throws 403 with the scopes that would do (RFC 6750 §3.1).
 */
export function authorize(call: Call): void {
  const operation = call.operation!;
  if (!isAllowed(operation, call.caller)) {
    const wanted = scopesOf(operation).join(' ');
    throw new ApiError('insufficient_scope', undefined, {
      headers: challenge(call, 'insufficient_scope', undefined, wanted),
    });
  }
}

export function isAllowed(operation: CallOperation, caller: Caller): boolean {
  return operation.public || scopesOf(operation).some((scope) => grants(caller.scopes, scope));
}

/** The scopes that open an operation. */
export function scopesOf({ native, scopes }: CallOperation): string[] {
  if (native !== null) {
    return native.scope === null ? [] : [native.scope];
  }
  return Object.keys(scopes).filter((scope) => scopes[scope] === true);
}
