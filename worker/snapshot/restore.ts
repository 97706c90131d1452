import type { ChangeResult } from '../core/ports.ts';
import type { Env } from '../env.ts';
import { sameJson } from '../lib/json.ts';
import { difference } from '../resources/apply.ts';
import { checkGrants, mayRestore } from '../resources/authority.ts';
import { addCommit } from '../resources/commit.ts';
import type { Resource, Row } from '../resources/define.ts';
import { resources } from '../resources/index.ts';
import type { View } from '../resources/view.ts';
import { loaderOf } from './content.ts';
import type { Manifest } from './manifest.ts';
import { differingLeaves } from './tree.ts';

/** A row that differs between two revisions; null where it does not exist. */
export interface RowDifference {
  resource: Resource;
  id: number;
  from: Row | null;
  to: Row | null;
}

/** What differs between two revisions: only parts whose hashes differ are loaded. */
export async function compareManifests(
  env: Env,
  tenant: string,
  from: Manifest,
  to: Manifest,
): Promise<RowDifference[]> {
  const differences: RowDifference[] = [];
  const load = loaderOf(env, tenant);
  for (const resource of resources.values()) {
    const leaves = await differingLeaves(from.kinds[resource.name], to.kinds[resource.name], load);
    const contents = await load<Row[]>([...new Set([...leaves.from, ...leaves.to])]);
    const rowsIn = (hashes: string[]) =>
      new Map(hashes.flatMap((hash) => contents.get(hash)!).map((row) => [row.id, row]));
    const [before, after] = [rowsIn(leaves.from), rowsIn(leaves.to)];
    for (const id of new Set([...before.keys(), ...after.keys()])) {
      const [a, b] = [before.get(id) ?? null, after.get(id) ?? null];
      if (!sameJson(a, b)) {
        differences.push({ resource, id, from: a, to: b });
      }
    }
  }
  return differences;
}

/**
 * Puts the rows of an older revision back as changes of today: a roll back is one more publish, never a pointer moved back.
 * What is not the actor's stays as it is; throws ApiError 403 when a role or plan would get scopes back that he cannot give.
 */
export async function restoreChanges(env: Env, view: View, today: Manifest, target: Manifest): Promise<ChangeResult[]> {
  const results: ChangeResult[] = [];
  const authority = await view.authority();
  for (const { resource, id, from, to } of await compareManifests(env, view.tenant, today, target)) {
    if (!mayRestore(authority, resource, [from, to])) {
      continue;
    }
    await checkScopesBack(view, resource, from, to);
    const before: Row | undefined = from === null ? undefined : { ...from, tenant_id: view.tenant };
    const after: Row = to === null ? { ...before!, status: resource.deleted } : { ...to, tenant_id: view.tenant };
    view.put(resource.name, after, before);
    results.push({
      resource: resource.name,
      verb: to === null ? 'delete' : from === null ? 'create' : 'update',
      id,
      name: String(after.name ?? id),
      ...(to === null ? {} : { difference: difference(resource, before, after) }),
    });
    await recommit(view, resource, after, before);
  }
  return results;
}

async function checkScopesBack(view: View, resource: Resource, from: Row | null, to: Row | null): Promise<void> {
  if (to !== null && (resource.name === 'role' || resource.name === 'plan')) {
    const held: string[] = from?.scopes ?? [];
    await checkGrants(
      view,
      (to.scopes ?? []).filter((scope: string) => !held.includes(scope)),
    );
  }
}

/** The history goes on: what was put back becomes the newest commit again. */
async function recommit(view: View, resource: Resource, after: Row, before: Row | undefined): Promise<void> {
  const member = resource.name === 'action' ? 'config' : resource.name === 'schema' ? 'source' : null;
  if (member !== null && after.status === 1 && (before === undefined || !sameJson(before[member], after[member]))) {
    await addCommit(view, resource.name as 'action' | 'schema', after.id, after[member]);
  }
}
