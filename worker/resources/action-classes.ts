import type { TObject } from 'typebox';
import { ApiError, invalidAt } from '../core/errors.ts';
import { compileFixed } from '../lib/schema/fixed.ts';

/** What resources need to know of a class: the registries of `actions` and `connections` stand above this room and are plugged in by index.ts. */
export interface ClassInfo {
  class: string;
  name: string;
  config: TObject;
}

const known = { action: new Map<string, ClassInfo>(), connection: new Map<string, ClassInfo>() };

/** Plugs the registries in; called once by worker/index.ts. */
export function registerClasses(kind: 'action' | 'connection', classes: readonly ClassInfo[]): void {
  for (const info of classes) {
    known[kind].set(info.class, info);
  }
}

export function classInfo(kind: 'action' | 'connection', name: string): ClassInfo | undefined {
  return known[kind].get(name);
}

export function checkActionConfig(name: string, config: Record<string, unknown>): void {
  check('action', name, config);
}

export function checkConnectionConfig(name: string, config: Record<string, unknown>): ClassInfo {
  return check('connection', name, config);
}

function check(kind: 'action' | 'connection', name: string, config: Record<string, unknown>): ClassInfo {
  const info = known[kind].get(name);
  if (info === undefined) {
    throw invalidAt('/class', `The ${kind} class "${name}" does not exist`, 'enum');
  }
  const violations = compileFixed(info.config).check(withoutNulls(config));
  if (violations.length > 0) {
    const errors = violations.map((violation) => ({ ...violation, pointer: `/config${violation.pointer}` }));
    throw new ApiError('invalid_body', `${errors[0]!.pointer} ${errors[0]!.message}`, { errors });
  }
  return info;
}

/** Forms send null for what was left empty. */
function withoutNulls(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
}
