import type { Change } from '../core/ports.ts';
import { resources } from '../resources/index.ts';
import type { View } from '../resources/view.ts';

/**
 * Reads what the rules will ask for about many changes: the rows themselves, then what those rows refer to and claim. A few
 * queries side by side instead of several per change, one after the other.
 */
export async function prefetch(view: View, changes: readonly Change[]): Promise<void> {
  const known = changes.filter(({ resource }) => resources.has(resource));
  const names = new Wanted();
  const ids = new Wanted();
  for (const { resource, key, data } of known) {
    if (key !== undefined && !key.startsWith('~')) {
      ids.add(resource, key);
    } else {
      const { named } = resources.get(resource)!;
      names.add(`${resource}.${named}`, key?.slice(1) ?? data?.[named]);
    }
  }
  await Promise.all([
    ...ids.each((resource, keys) => view.prefetchIds(resource, keys.map(Number))),
    ...names.each((place, values) => prefetchColumn(view, place, values)),
  ]);
  const related = new Wanted();
  const changed = new Wanted();
  for (const change of known) {
    const { resource, verb, data = {} } = change;
    const { references, claims, named, unique } = resources.get(resource)!;
    const before = verb === 'create' ? undefined : await rowOf(view, change);
    if (verb === 'delete') {
      continue;
    }
    if (before !== undefined) {
      changed.add(resource, String(before.id));
    }
    if (named in unique) {
      related.add(`${resource}.${named}`, data[named]);
    }
    for (const [other, name] of told(() => references?.({ ...before, ...data }))) {
      if (resources.has(other)) {
        related.add(`${other}.${resources.get(other)!.named}`, name);
      }
    }
    for (const [column, value] of told(() => claims?.(data))) {
      related.add(`${resource}.${column}`, value);
    }
  }
  await Promise.all([
    ...related.each((place, values) => prefetchColumn(view, place, values)),
    ...changed.each(async (resource, keys) => {
      if (resource === 'action' || resource === 'schema') {
        await view.prefetchHeads(resource, keys.map(Number));
      }
    }),
  ]);
}

/** The data is not checked yet: what is wrong with it is for the rules to say, and only to whom it belongs. */
function told(tell: () => [string, string][] | undefined): [string, string][] {
  try {
    return tell() ?? [];
  } catch {
    return [];
  }
}

function rowOf(view: View, { resource, key, data }: Change) {
  const { named } = resources.get(resource)!;
  return key !== undefined && !key.startsWith('~')
    ? view.get(resource, Number(key))
    : view.by(resource, named, key?.slice(1) ?? String(data?.[named]));
}

function prefetchColumn(view: View, place: string, values: string[]): Promise<void> {
  const [resource, column] = place.split('.') as [string, string];
  return view.prefetch(resource, column, values);
}

/** Values by the place where they are looked for. */
class Wanted {
  readonly #values = new Map<string, Set<string>>();

  add(place: string, value: unknown): void {
    if (typeof value === 'string') {
      const values = this.#values.get(place);
      values === undefined ? this.#values.set(place, new Set([value])) : values.add(value);
    }
  }

  each<T>(run: (place: string, values: string[]) => T): T[] {
    return [...this.#values].map(([place, values]) => run(place, [...values]));
  }
}
