import type { TObject } from 'typebox';

export interface FormOption {
  key: string;
  value: string;
}

/** One field of a form, as Fusio's screens draw it. `secret` is ours: its value is write-only. */
export interface FormElement {
  element: 'input' | 'select' | 'textarea' | 'checkbox' | 'collection' | 'map' | 'typeapi' | 'typeschema';
  name: string;
  title: string;
  help: string;
  /** HTML input type of an input, or of the fields of a collection or map. */
  type?: string;
  options?: FormOption[];
  /** Language of a textarea. */
  mode?: string;
  secret?: true;
}

export interface Form {
  element: FormElement[];
}

/** What select fields offer beside fixed options. Actions and connections take names as well as ids (as text) for a key. */
export interface FormSources {
  connections?: FormOption[];
  actions?: FormOption[];
}

/** How a member of a configuration steers its field, beside its JSON Schema type. */
interface Member {
  type?: string;
  title?: string;
  description?: string;
  /** HTML input type. */
  input?: string;
  /** A textarea in this language. */
  mode?: string;
  /** A select: these values, or `[key, shown]` pairs. */
  options?: readonly (string | readonly [string, string])[];
  /** A select of connections, of actions. */
  connection?: boolean;
  action?: boolean;
  /** An editor for TypeSchema or TypeAPI. */
  editor?: 'typeapi' | 'typeschema';
  secret?: boolean;
}

/** The form of a class: one field for each member of its configuration, in order. */
export function formOf(config: TObject, sources: FormSources = {}): Form {
  return {
    element: Object.entries(config.properties).map(([name, schema]) => {
      const member = schema as Member;
      const { title = name, description: help = '' } = member;
      const { element, ...rest } = field(member, sources);
      return { element, name, title, help, ...rest, ...(member.secret === true ? { secret: true as const } : {}) };
    }),
  };
}

/** One entry of a class list, `GET /backend/action/list`. */
export interface ClassEntry {
  name: string;
  class: string;
}

/** The classes that can be chosen, sorted by name. */
export function classList(types: readonly (ClassEntry & { internal?: boolean })[]): ClassEntry[] {
  return types
    .filter((type) => type.internal !== true)
    .map((type) => ({ name: type.name, class: type.class }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

function field(member: Member, sources: FormSources): Pick<FormElement, 'element' | 'type' | 'options' | 'mode'> {
  if (member.connection === true) {
    return { element: 'select', options: sources.connections ?? [] };
  }
  if (member.action === true) {
    return { element: 'select', options: sources.actions ?? [] };
  }
  if (member.options !== undefined) {
    return { element: 'select', options: member.options.map(option) };
  }
  if (member.mode !== undefined) {
    return { element: 'textarea', mode: member.mode };
  }
  if (member.editor !== undefined) {
    return { element: member.editor };
  }
  switch (member.type) {
    case 'boolean':
      return { element: 'checkbox' };
    case 'array':
      return { element: 'collection', type: member.input ?? 'text' };
    case 'object':
      return { element: 'map', type: member.input ?? 'text' };
    case 'integer':
    case 'number':
      return { element: 'input', type: member.input ?? 'number' };
    default:
      return { element: 'input', type: member.input ?? 'text' };
  }
}

function option(given: string | readonly [string, string]): FormOption {
  const [key, value] = typeof given === 'string' ? [given, given] : given;
  return { key, value };
}
