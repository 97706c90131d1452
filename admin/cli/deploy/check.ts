import { type Schema, Validator } from '@cfworker/json-schema';
import type { Change } from '../../../worker/core/ports.ts';
import { classOf, type Member, registry } from '../entity/registry.ts';
import type { Complaint } from '../failure.ts';

/** What checking a configuration without its gateway finds. Pointers lead into the deploy file. */
export interface Findings {
  /** A deploy would be refused. */
  errors: Complaint[];
  /** What only the gateway knows, or passes over. */
  notes: Complaint[];
}

/** Names by resource that references may lead to beside those of the changes; null: unknown, so a missing one is a note. */
export type Known = Record<string, ReadonlySet<string>> | null;

/** Members that name another object, and the kind of that. */
const references: Record<string, Record<string, string>> = {
  operation: { action: 'action', incoming: 'schema', outgoing: 'schema' },
  cronjob: { action: 'action' },
  trigger: { action: 'action', event: 'event' },
  event: { schema: 'schema' },
};

const validators = new Map<string, Validator>();

/** Judges the changes of a deploy file by the declarations of their entities and classes. */
export function checkChanges(changes: readonly Change[], known: Known): Findings {
  const findings: Findings = { errors: [], notes: [] };
  const here = new Set(changes.map(({ resource, data }) => `${resource} ${String(data?.name)}`));
  changes.forEach((change, index) => {
    const at = `/changes/${index}/data`;
    const { name, ...data } = change.data ?? {};
    const entity = registry.entities[change.resource];
    if (entity === undefined) {
      return;
    }
    for (const [member, value] of Object.entries(data)) {
      const schema = entity.members[member];
      if (schema === undefined) {
        findings.notes.push({ pointer: `${at}/${member}`, rule: 'unknown', message: 'is no member; it has no effect' });
      } else if (value !== null) {
        findings.errors.push(...violations(`${change.resource}/${member}`, schema, value, `${at}/${member}`));
      }
    }
    if (entity.members.name !== undefined) {
      findings.errors.push(...violations(`${change.resource}/name`, entity.members.name, name, at));
    }
    for (const member of entity.required.filter((needed) => needed !== 'name' && data[needed] === undefined)) {
      findings.notes.push({ pointer: at, rule: 'required', message: `${member} is needed where this is new` });
    }
    findings.errors.push(...classFaults(change.resource, data, at));
    for (const [member, kind] of Object.entries(references[change.resource] ?? {})) {
      const target = targetOf(kind, data[member]);
      if (target !== null && !here.has(`${kind} ${target}`) && !known?.[kind]?.has(target)) {
        const message =
          known === null ? `the gateway must have the ${kind} ${target}` : `There is no ${kind} ${target}`;
        findings[known === null ? 'notes' : 'errors'].push({ pointer: `${at}/${member}`, rule: 'reference', message });
      }
    }
  });
  return findings;
}

/** The class, and the configuration by its form. */
function classFaults(noun: string, data: Record<string, unknown>, at: string): Complaint[] {
  if ((noun !== 'action' && noun !== 'connection') || typeof data.class !== 'string') {
    return [];
  }
  const found = classOf(noun, data.class);
  if (found === undefined) {
    return [{ pointer: `${at}/class`, rule: 'class', message: `There is no class ${data.class}` }];
  }
  const { properties, required } = found;
  const config = (data.config ?? {}) as Record<string, unknown>;
  const missing = required
    .filter((member) => config[member] === undefined)
    .map((member) => ({ pointer: `${at}/config`, rule: 'required', message: `${member} is needed by ${found.title}` }));
  const schema: Member = { type: 'object', properties };
  return [...missing, ...violations(`class ${data.class}`, schema, config, `${at}/config`)];
}

function violations(name: string, schema: Member, value: unknown, at: string): Complaint[] {
  let validator = validators.get(name);
  if (validator === undefined) {
    validator = new Validator(schema as Schema, '2020-12', false);
    validators.set(name, validator);
  }
  const { errors } = validator.validate(value);
  // What is around a fault is said of what is inside of it, too.
  return errors
    .filter(({ keyword }) => !['properties', 'patternProperties', 'items', 'anyOf'].includes(keyword))
    .map(({ keyword, instanceLocation, error }) => ({
      pointer: at + instanceLocation.slice(1),
      rule: keyword,
      message: error.replace(/\.$/, ''),
    }));
}

/** The name that a reference of the kind has; null for what leads elsewhere, or to a commit. */
function targetOf(kind: string, reference: unknown): string | null {
  if (typeof reference !== 'string' || reference === '') {
    return null;
  }
  const bare = /^[A-Za-z0-9_-]+$/.test(reference) ? reference : undefined;
  return bare ?? new RegExp(`^${kind}://([A-Za-z0-9_-]+)$`).exec(reference)?.[1] ?? null;
}
