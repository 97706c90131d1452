import type { SystemOperation } from '../../worker/core/system-operation.ts';

// A request for any operation of the platform, from its declaration: so that one that is added is asked too.

/** ISO 8601 date. */
export const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);

/** A path of the operation's, with nothing of that id or name behind it. */
export function pathOf({ path }: SystemOperation): string {
  return path
    .replace(/\$commit_hash<[^>]*>|\$other<\^\[0-9a-f\][^>]*>/g, '0'.repeat(40))
    .replace(/\$upload_id<[^>]*>/, 'a'.repeat(16))
    .replace(/\$part<[^>]*>/, '1')
    .replace(/\$\w+<[^>]*>/g, '7654321')
    .replace(/:\w+/g, 'nothing');
}

/** The members that a body must have, of their types. */
export function bodyOf({ method, incoming }: SystemOperation): unknown {
  const { required = [], properties = {} } = (incoming ?? {}) as {
    required?: string[];
    properties?: Record<string, any>;
  };
  const sample = (member: string) =>
    ({ string: tomorrow, integer: 1, array: ['nothing'], object: {} })[properties[member]?.type as string] ?? tomorrow;
  return method === 'GET' || method === 'DELETE'
    ? undefined
    : Object.fromEntries(required.map((member) => [member, sample(member)]));
}
