import type { View } from './view.ts';

/** Turns the list of scope names of an operation into name → allowed; a name that no scope has yet makes one. */
export async function ensureScopes(
  view: View,
  names: string[],
  before: Record<string, boolean>,
): Promise<Record<string, boolean>> {
  // A scope that denies grants nothing: it is not listed with the operation, and stays when the list is put back.
  const scopes: Record<string, boolean> = Object.fromEntries(Object.entries(before).filter(([, allowed]) => !allowed));
  for (const name of names) {
    if ((await view.by('scope', 'name', name)) === undefined) {
      await view.change({ resource: 'scope', verb: 'create', data: { name, description: '' } });
    }
    scopes[name] = true;
  }
  return scopes;
}
