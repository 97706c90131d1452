import type { HostRecord, RouteRecord } from '../core/records.ts';
import { tenantKey } from '../core/tenant.ts';
import type { Resource, Row } from '../resources/define.ts';
import type { View } from '../resources/view.ts';
import { keyOf } from './tree.ts';

/** A row of a kind, or its absence (`row: null`). */
export interface Placed {
  kind: string;
  id: number;
  /** What the row is found by. */
  key: string | number;
  row: ({ id: number } & Record<string, unknown>) | null;
}

/**
 * Where a row of a versioned resource goes in the content, with what follows from it: the route of an operation, unless it stays
 * as it is.
 */
export function place(resource: Resource, before: Row | undefined, after: Row): Placed[] {
  const isAlive = ({ status }: Row) => status !== resource.deleted && status > 0;
  const alive = isAlive(after);
  const key = (row: Row) => keyOf(row, resource.keyedBy);
  const placed: Placed[] = [];
  if (before !== undefined && key(before) !== key(after)) {
    placed.push({ kind: resource.name, id: before.id, key: key(before), row: null });
  }
  placed.push({ kind: resource.name, id: after.id, key: key(after), row: alive ? contentRow(after) : null });
  if (
    resource.name === 'operation' &&
    !(before !== undefined && isAlive(before) && alive && sameRoute(before, after))
  ) {
    const route: RouteRecord = { id: after.id, name: after.name, method: after.http_method, path: after.http_path };
    placed.push({ kind: 'route', id: after.id, key: after.id, row: alive ? ({ ...route } as Placed['row']) : null });
  }
  if (resource.name === 'tenant') {
    placed.push(...hostsOf(before, after, alive));
  }
  return placed;
}

function sameRoute(before: Row, after: Row): boolean {
  return ['name', 'http_method', 'http_path'].every((column) => before[column] === after[column]);
}

/** Hosts of a removed tenant stay, and say so. */
function hostsOf(before: Row | undefined, after: Row, open: boolean): Placed[] {
  const { id, hosts } = after as Row & { hosts: string[] };
  const given = ((before?.hosts ?? []) as string[]).filter((host) => !hosts.includes(host));
  const host = (name: string): HostRecord => ({ id, name, tenant: tenantKey(after as Row & { name: string }), open });
  return [
    ...given.map((name) => ({ kind: 'host', id, key: name, row: null })),
    ...hosts.map((name) => ({ kind: 'host', id, key: name, row: { ...host(name) } })),
  ];
}

/** What reaches the isolates of a row: the tenant is known from where it is kept. */
function contentRow(row: Row): Placed['row'] {
  const { tenant_id: _tenant, ...rest } = row;
  return rest as Placed['row'];
}

/** Actions and schemas that operations pin to a commit are kept as they were then. */
export async function pinsOf(
  view: View,
  commitContent: (object: 'action' | 'schema', id: number, hash: string) => Promise<unknown>,
  convert: (source: Record<string, unknown>) => { schema: Record<string, unknown> },
): Promise<Placed[]> {
  const pins = new Map<string, Placed>();
  for (const { resource, after } of view.mutations) {
    if (resource.name !== 'operation' || after.status !== 1) {
      continue;
    }
    const versions = Object.values(after.versions ?? {}).flatMap((version) => Object.values(version as object));
    const references = [
      after.action,
      after.incoming,
      after.outgoing,
      ...Object.values(after.throws ?? {}),
      ...versions,
    ] as (string | null)[];
    for (const reference of references) {
      const match = /^(action|schema):\/\/([^@]+)@(.+)$/.exec(reference ?? '');
      if (match === null || pins.has(reference!)) {
        continue;
      }
      const [, object, name, hash] = match as unknown as [string, 'action' | 'schema', string, string];
      const row = await view.by(object, 'name', name);
      if (row === undefined) {
        continue;
      }
      const content = (await commitContent(object, row.id, hash)) as Record<string, unknown>;
      const { tenant_id: _tenant, ...rest } = row;
      const pinned =
        object === 'action'
          ? { ...rest, config: content }
          : { ...rest, source: content, compiled: convert(content).schema };
      const key = `${object}/${name}@${hash}`;
      pins.set(reference!, { kind: 'pin', id: row.id, key, row: { ...pinned, name: key } as Placed['row'] });
    }
  }
  return [...pins.values()];
}
