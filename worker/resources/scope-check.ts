import { invalidAt } from '../core/errors.ts';
import { checkGrants } from './authority.ts';
import type { View } from './view.ts';

/**
 * Every name must be a scope, and those that were not `held` before must be the actor's to give; throws ApiError naming the
 * first that is not.
 */
export async function checkScopes(view: View, names: string[], held: readonly string[] = []): Promise<void> {
  await view.prefetch('scope', 'name', names);
  for (const [position, name] of names.entries()) {
    if ((await view.by('scope', 'name', name)) === undefined) {
      throw invalidAt(`/scopes/${position}`, `Provided scope "${name}" does not exist`, 'reference');
    }
  }
  const added = names.filter((name) => !held.includes(name));
  await checkGrants(view, added);
}
