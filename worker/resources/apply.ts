import { getTableColumns } from 'drizzle-orm';
import { ApiError, type Violation } from '../core/errors.ts';
import type { Change, ChangeResult } from '../core/ports.ts';
import { categories } from '../core/system-operation.ts';
import { sameJson } from '../lib/json.ts';
import { type Check, compile } from '../lib/schema/engine.ts';
import { reach } from './authority.ts';
import { columnOf, type Resource, type Row, writable } from './define.ts';
import type { View } from './view.ts';

const checks = new WeakMap<Resource, Check>();

/** Applies one change to a view: look up, validate, merge, rules. Throws ApiError; the view is then to be undone by the caller. */
export async function applyChange(resource: Resource, view: View, change: Change): Promise<ChangeResult> {
  const before = await find(resource, view, change);
  if (change.verb === 'delete') {
    return remove(resource, view, before!);
  }
  if (change.verb === 'restore') {
    return restore(resource, view, before!);
  }
  const verb = before === undefined ? 'create' : 'update';
  if (!resource.verbs.includes(verb)) {
    throw new ApiError('invalid_request', `It is not possible to ${verb} a ${resource.name}`);
  }
  const data = Object.fromEntries(Object.entries(change.data ?? {}).filter(([, value]) => value !== undefined));
  validate(resource, data);
  const row = before === undefined ? await blank(resource, view) : { ...before };
  merge(resource, row, data, before === undefined);
  await requireMembers(resource, row);
  await checkUnique(resource, view, row, before);
  await resource.prepare?.({ view, data, row, before });
  await checkUnique(resource, view, row, before);
  if (before !== undefined && sameJson(before, row)) {
    return { resource: resource.name, verb: 'none', id: row.id, name: nameOf(resource, row) };
  }
  view.put(resource.name, row, before);
  return {
    resource: resource.name,
    verb,
    id: row.id,
    name: nameOf(resource, row),
    difference: difference(resource, before, row),
  };
}

async function find(resource: Resource, view: View, change: Change): Promise<Row | undefined> {
  if (change.verb === 'create') {
    return undefined;
  }
  const key = change.verb === 'put' ? `~${change.data?.name ?? ''}` : (change.key ?? '');
  const row = key.startsWith('~')
    ? await view.by(resource.name, resource.named, key.slice(1))
    : await view.get(resource.name, Number(key));
  const reached = row === undefined ? 'own' : await reach(view, resource.categorised, row);
  if (reached === 'shared') {
    throw new ApiError('forbidden', `The ${resource.name} "${nameOf(resource, row!)}" belongs to the platform`);
  }
  if (change.verb === 'put') {
    // In another category it is as if it were not there, but for its name.
    return reached === 'own' ? row : undefined;
  }
  if (row === undefined || reached === 'foreign') {
    throw new ApiError('not_found', `Could not find ${resource.name}`);
  }
  if (change.verb === 'restore') {
    return row;
  }
  if (row.status === resource.deleted) {
    throw new ApiError('deleted', `${resource.title} was deleted`);
  }
  return row;
}

async function remove(resource: Resource, view: View, before: Row): Promise<ChangeResult> {
  if (!resource.verbs.includes('delete')) {
    throw new ApiError('invalid_request', `It is not possible to delete a ${resource.name}`);
  }
  await resource.remove?.(before, view);
  view.put(resource.name, { ...before, status: resource.deleted }, before);
  return { resource: resource.name, verb: 'delete', id: before.id, name: nameOf(resource, before) };
}

/** Brings a deleted row back as it was, if nobody took its unique values meanwhile. */
async function restore(resource: Resource, view: View, before: Row): Promise<ChangeResult> {
  const found = { resource: resource.name, id: before.id, name: nameOf(resource, before) };
  if (before.status !== resource.deleted) {
    return { ...found, verb: 'none' };
  }
  const row = { ...before, status: 1 };
  await checkUnique(resource, view, row, undefined);
  view.put(resource.name, row, before);
  return { ...found, verb: 'update' };
}

function nameOf(resource: Resource, row: Row): string {
  return String(row[resource.named] ?? row.id);
}

/** Types and bounds by the fields' schemas. A broken name is said as Fusio says it. */
function validate(resource: Resource, data: Record<string, unknown>): void {
  let check = checks.get(resource);
  if (check === undefined) {
    check = compile(writable(resource) as unknown as Record<string, unknown>);
    checks.set(resource, check);
  }
  const violations: Violation[] = check.check(data);
  const [first] = violations;
  if (first !== undefined) {
    const named = first.pointer === '/name' && first.rule !== 'type';
    throw new ApiError('invalid_body', named ? `Invalid ${resource.name} name` : `${first.pointer} ${first.message}`, {
      errors: violations,
    });
  }
}

async function blank(resource: Resource, view: View): Promise<Row> {
  const row: Row = { id: await view.nextId(resource.name), tenant_id: view.tenant, status: 1 };
  for (const column of Object.keys(getTableColumns(resource.table))) {
    row[column] ??= null;
  }
  if ('category_id' in row) {
    row.category_id = (await view.authority())?.categoryId ?? categories.default;
  }
  return row;
}

/** A member that is absent keeps its value; null empties it. */
function merge(resource: Resource, row: Row, data: Record<string, unknown>, creating: boolean): void {
  for (const [member, field] of Object.entries(resource.fields)) {
    if (field.virtual) {
      continue;
    }
    const column = columnOf(member);
    if (!field.readonly && data[member] !== undefined && !(creating && data[member] === null)) {
      row[column] = data[member] ?? (field.required ? row[column] : (field.initial ?? null));
    } else if (creating) {
      row[column] = field.initial ?? row[column] ?? null;
    }
  }
}

async function requireMembers(resource: Resource, row: Row): Promise<void> {
  for (const [member, field] of Object.entries(resource.fields)) {
    const value = row[columnOf(member)];
    if (field.required && (value === null || value === undefined || value === '')) {
      throw new ApiError('invalid_body', missing(resource, member, field.required, value), {
        errors: [{ pointer: `/${member}`, rule: 'required', message: 'must not be null' }],
      });
    }
  }
}

/** In Fusio's words. An empty name is a name, but no valid one. */
function missing(resource: Resource, member: string, required: true | string, value: unknown): string {
  if (member === resource.named || member === 'title') {
    return value === '' ? `Invalid ${resource.name} ${member}` : `${resource.title} ${member} must not be empty`;
  }
  return required === true ? `/${member} must not be null` : required;
}

async function checkUnique(resource: Resource, view: View, row: Row, before: Row | undefined): Promise<void> {
  for (const [column, message] of Object.entries(resource.unique)) {
    const value = row[column];
    if (value === null || value === undefined || value === before?.[column]) {
      continue;
    }
    const other = await view.by(resource.name, column, String(value));
    if (other !== undefined && other.id !== row.id) {
      throw new ApiError('already_exists', message, { errors: [{ pointer: `/${column}`, rule: 'unique', message }] });
    }
  }
}

/** The members that a change alters, as callers see them: member → [before, after]. */
export function difference(
  resource: Resource,
  before: Row | undefined,
  after: Row,
): Record<string, [unknown, unknown]> {
  const changed: Record<string, [unknown, unknown]> = {};
  for (const [member, field] of Object.entries(resource.fields)) {
    const column = columnOf(member);
    const [old, next] = [before?.[column] ?? null, after[column] ?? null];
    if (!field.virtual && !field.hidden && !sameJson(old, next)) {
      const show = (value: unknown) => shown(value === null || field.show === undefined ? value : field.show(value));
      changed[member] = [show(old), show(next)];
    }
  }
  return changed;
}

/** Sealed members never leave, not even in a plan. */
function shown(value: unknown): unknown {
  if (typeof value === 'string' || value === null) {
    return value;
  }
  return JSON.parse(
    JSON.stringify(value, (_key, member) =>
      member !== null && typeof member === 'object' && '$sealed' in member ? '********' : member,
    ),
  );
}
