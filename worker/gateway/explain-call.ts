import type { Call, Caller, CallOperation } from '../core/call.ts';
import type { ApiError } from '../core/errors.ts';
import { grants } from '../core/scope-grant.ts';
import { cut, printable } from '../lib/printable.ts';
import { scopesOf } from './authorize.ts';
import { knownPlan } from './plan-of-user.ts';

/** Why a call ended as it did, as its row in the log keeps it. Members without a value are left out. */
export interface Explanation {
  /** The operation's place: `GET /todo/:id`. */
  route?: string;
  /** What answers it. */
  action?: string;
  /** That the request chose. */
  version?: string;
  /**
   * What the operation asks for, any of it, and which of the token's scopes gave that: all of them, where none did. Nothing
   * is asked of a public operation.
   */
  scopes?: { needed: string[]; granted: string[] };
  /** Of the caller's account. */
  plan?: number;
  /** Calls left of the caller's rate before and after this one; `window` and `reset` in seconds. */
  limit?: { name: string; limit: number; before: number; after: number; window: number; reset: number };
  /** The schema of the body, and which rules were broken where. */
  input?: { schema?: string; broken?: { pointer: string; rule: string }[] };
  /** Requests to others in their order, the first eight; milliseconds. */
  upstreams?: { target: string; status?: number; time: number }[];
  /** Points that an answer would have cost. */
  costs?: number;
}

/** Broken rules that are kept. */
const mostBroken = 16;
/** Scopes that are kept of each side. */
const mostScopes = 32;

/** What of a call the explanation needs. */
export type Explained = Pick<Call, 'tenant' | 'operation' | 'caller' | 'quota' | 'version' | 'upstreams'>;

export function explainCall(call: Explained, error: ApiError | null): Explanation | null {
  const { operation, caller, quota, version, upstreams } = call;
  const broken = error?.errors?.slice(0, mostBroken).map(({ pointer, rule }) => ({
    pointer: cut(printable(pointer), 200),
    rule: cut(printable(rule), 60),
  }));
  const schema = operation?.incoming ?? undefined;
  const input = { ...(schema && { schema }), ...(broken?.length && { broken }) };
  const plan = caller.userId === null ? null : knownPlan(call.tenant, caller.userId);
  const explanation: Explanation = {
    ...(operation !== null && {
      route: `${operation.http_method} ${operation.http_path}`,
      ...(operation.action && { action: operation.action }),
      ...(operation.costs > 0 && { costs: operation.costs }),
    }),
    ...(version !== null && { version: cut(printable(version), 32) }),
    ...(operation !== null && !operation.public && { scopes: explainScopes(operation, caller, error) }),
    ...(plan != null && { plan }),
    ...(quota !== null && {
      limit: {
        ...{ name: quota.name, limit: quota.limit },
        ...{ before: error?.code === 'rate_limited' ? 0 : quota.remaining + 1, after: quota.remaining },
        ...{ window: quota.window, reset: quota.reset },
      },
    }),
    ...(Object.keys(input).length > 0 && { input }),
    ...(upstreams !== undefined && { upstreams }),
  };
  return Object.keys(explanation).length === 0 ? null : explanation;
}

function explainScopes(operation: CallOperation, { scopes }: Caller, error: ApiError | null): Explanation['scopes'] {
  const needed = scopesOf(operation);
  const opens = (scope: string) => needed.some((wanted) => grants([scope], wanted));
  const granted = error?.code === 'insufficient_scope' ? scopes : scopes.filter(opens);
  return { needed: needed.slice(0, mostScopes), granted: granted.slice(0, mostScopes) };
}
