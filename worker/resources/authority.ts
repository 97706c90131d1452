import { ApiError } from '../core/errors.ts';
import { grants } from '../core/scope-grant.ts';
import { categories } from '../core/system-operation.ts';
import type { Resource, Row } from './define.ts';
import type { View } from './view.ts';

/** What an actor may do in management: the category whose objects he works with, and the scopes that he may give. */
export interface Authority {
  categoryId: number;
  scopes: readonly string[];
}

/**
 * What somebody with `held` scopes may give with a token: whatever he has, but of the backend's scopes only those of the token.
 * A token for one part of the backend must not lead to one for all of it.
 */
export function givable(held: readonly string[], token: readonly string[]): string[] {
  return [
    ...held.filter((scope) => !isBackend(scope) || grants(token, scope)),
    ...token.filter((scope) => isBackend(scope) && grants(held, scope)),
  ];
}

const isBackend = (scope: string) => scope === 'backend' || scope.startsWith('backend.');

/**
 * Nobody gives what he lacks: throws 403 naming the first scope that the actor neither has nor manages. Scopes of the API
 * product are managed by who works in their category. Those of the platform must be had, but for `authorization` and `openid`,
 * which open nothing that is not one's own.
 */
export async function checkGrants(view: View, names: readonly string[]): Promise<void> {
  const authority = await view.authority();
  if (authority === null) {
    return;
  }
  const { categoryId, scopes } = authority;
  for (const name of names.filter((wanted) => !grants(scopes, wanted))) {
    const scope = await view.by('scope', 'name', name);
    const managed = scope?.category_id === categoryId && !opening.includes(categoryId);
    if (scope !== undefined && !managed && scope.category_id !== categories.authorization) {
      throw new ApiError('forbidden', `You cannot give the scope "${name}", for you do not have it yourself`);
    }
  }
}

/** Categories whose scopes open operations of the platform. */
const opening: readonly number[] = [categories.backend, categories.consumer, categories.system];

/** A role is given by who could give its scopes; one of another category only by who works in the default one. */
export async function checkRole(view: View, role: Row): Promise<void> {
  await checkGrants(view, role.scopes ?? []);
  const authority = await view.authority();
  if (authority !== null && ![role.category_id, categories.default].includes(authority.categoryId)) {
    throw new ApiError('forbidden', `You cannot give the role "${role.name}", for it belongs to another category`);
  }
}

/** How far an actor reaches a row of a resource that is `categorised` so: changes it, sees it, or not even that. */
export async function reach(
  view: View,
  categorised: Resource['categorised'],
  row: Row,
): Promise<'own' | 'shared' | 'foreign'> {
  return categorised === false ? 'own' : reachOf(await view.authority(), categorised, row);
}

function reachOf(authority: Authority | null, categorised: Resource['categorised'], row: Row) {
  if (authority === null || categorised === false || row.category_id === authority.categoryId) {
    return 'own';
  }
  return categorised === 'shared' && row.category_id === categories.backend ? 'shared' : 'foreign';
}

/**
 * Whether a row is an actor's to put back to an earlier state: whatever is in his category, before and after. Roles, rates and
 * the like belong to no category and are for who works in the default one.
 */
export function mayRestore(authority: Authority | null, resource: Resource, states: readonly (Row | null)[]): boolean {
  if (authority !== null && resource.categorised === false) {
    return authority.categoryId === categories.default;
  }
  return states.every((row) => row === null || reachOf(authority, resource.categorised, row) === 'own');
}
