import { columnOf, type Resource, type Row } from './define.ts';

/** A row as callers see it, in a list or alone: hidden members and those without a value are left out. */
export function entityOf(resource: Resource, row: Row, listed: boolean): Record<string, unknown> {
  const entity: Record<string, unknown> = { id: row.id };
  for (const [member, field] of Object.entries(resource.fields)) {
    const value = row[columnOf(member)];
    if (!field.hidden && !field.virtual && (!listed || field.list) && value !== null && value !== undefined) {
      entity[member] = field.show === undefined ? value : field.show(value);
    }
  }
  return entity;
}
