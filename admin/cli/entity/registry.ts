import generated from '../entities.json' with { type: 'json' };

/** A JSON Schema, as far as options are made of it. */
export interface Member {
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  properties?: Record<string, Member>;
  required?: string[];
  patternProperties?: Record<string, Member>;
  items?: Member;
  anyOf?: Member[];
  /** Of a class's configuration: write-only. */
  secret?: boolean;
}

/** What the management API offers of one noun. */
export interface Entity {
  description: string;
  /** The member that finds one beside its id; null: the id alone does. */
  named: string | null;
  verbs: ('list' | 'get' | 'create' | 'update' | 'delete')[];
  search: boolean;
  sort: boolean;
  /** Query parameters of the list. */
  filters: Record<string, Member>;
  /** Columns of the list. */
  columns: string[];
  /** What can be written. */
  members: Record<string, Member>;
  /** What a creation needs. */
  required: string[];
}

/** A class of actions or connections: its configuration's members. */
export interface ClassInfo {
  title: string;
  properties: Record<string, Member>;
  required: string[];
  /** What the class does not do yet, for those that can be saved only. */
  missing?: string;
}

export interface Registry {
  entities: Record<string, Entity>;
  classes: Record<'action' | 'connection', Record<string, ClassInfo>>;
}

/** The declarations of the worker, as `npm run commands` wrote them down: options and their help need no gateway. */
export const registry = generated as unknown as Registry;

/** The members of an entity; those of the configuration follow the class, where it is known. */
export function membersOf(noun: string, className?: string): Record<string, Member> {
  const { members } = registry.entities[noun]!;
  const found = className === undefined ? undefined : classOf(noun, className);
  return found === undefined
    ? members
    : {
        ...members,
        config: { type: 'object', description: `Configuration of ${found.title}`, properties: found.properties },
      };
}

/** A class by its name, `.` or `\` between the parts; undefined where the noun has no classes or none of that name. */
export function classOf(noun: string, className: string): ClassInfo | undefined {
  return noun === 'action' || noun === 'connection'
    ? registry.classes[noun][className.replaceAll('\\', '.')]
    : undefined;
}
