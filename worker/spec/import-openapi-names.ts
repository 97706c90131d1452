import { sha256 } from '../lib/hash.ts';

/** The longest name of an operation, and of an action or schema (Fusio's columns). */
const operationNameLimit = 64;
const resourceNameLimit = 255;

/** What a path prefix gives to names: `/github/v3` → `github.v3.` for operations, `Github_V3_` for actions and schemas. */
export interface NamePrefix {
  /** The path prefix itself without a trailing slash; empty when there is none. */
  path: string;
  operation: string;
  resource: string;
}

/** `null` when the prefix is no static path: segments of letters, digits and `-_.~`. */
export function readPrefix(prefix: string | undefined): NamePrefix | null {
  const segments = (prefix ?? '').split('/').filter((segment) => segment !== '');
  if (!segments.every((segment) => /^[A-Za-z0-9_.~-]+$/.test(segment) && !/^\.+$/.test(segment))) {
    return null;
  }
  const capital = (segment: string) => segment[0]!.toUpperCase() + segment.slice(1);
  return {
    path: segments.map((segment) => `/${segment}`).join(''),
    operation: segments.map((segment) => `${segment.replace(/[^A-Za-z0-9_.]/g, '_')}.`).join(''),
    resource: segments.map((segment) => `${capital(segment).replace(/[^A-Za-z0-9_-]/g, '_')}_`).join(''),
  };
}

/** `issues/list-for-repo` → `github.issues.list_for_repo`: a slash or colon becomes a dot, what else is not `[A-Za-z0-9_.]` an underscore. */
export function operationName(prefix: NamePrefix, id: string): string {
  return shorten(
    prefix.operation + id.replace(/[/:]/g, '.').replace(/[^A-Za-z0-9_.]/g, '_'),
    operationNameLimit,
    prefix,
    id,
  );
}

/** `issues/list-for-repo` → `Github_issues-list-for-repo`: slash, colon and dot become a hyphen, what else is not `[A-Za-z0-9_-]` an underscore. */
export function resourceName(prefix: NamePrefix, id: string): string {
  return shorten(
    prefix.resource + id.replace(/[/:.]/g, '-').replace(/[^A-Za-z0-9_-]/g, '_'),
    resourceNameLimit,
    prefix,
    id,
  );
}

/** The id of an operation that has none: `GET /pets/{id}` → `get/pets/id`. */
export function idOf(method: string, path: string): string {
  const words = path
    .split('/')
    .map((segment) => segment.replace(/[{}]/g, ''))
    .filter((segment) => segment !== '');
  return [method.toLowerCase(), ...words].join('/');
}

/** Cuts a name that is too long and ends it with `_` and eight hex digits of the SHA-256 of prefix and id; lengthens one under three characters. */
function shorten(name: string, limit: number, prefix: NamePrefix, id: string): string {
  if (name.length <= limit) {
    return name.padEnd(3, '_');
  }
  return `${name.slice(0, limit - 9)}_${sha256(`${prefix.path} ${id}`).slice(0, 8)}`;
}
