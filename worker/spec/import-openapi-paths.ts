import { segmentRegex } from '../lib/route-path.ts';

/** A path template of a description as a route of an operation and as the path that its action calls. */
export interface MappedPath {
  /** Fusio's syntax, without the prefix: `/repos/:owner/compare/$base_head<^(.+)\.\.\.(.+)$>`. */
  route: string;
  /** The template with `:name` for each segment with a variable; text and a trailing slash stay as they are written. */
  upstream: string;
  /** Parameters that are one variable: name in the route → name in the template. */
  variables: Map<string, string>;
  /** Parameters that hold a segment of several parts: name in the route → the segment of the template. */
  mixed: Map<string, string>;
}

/**
 * Maps a path template of OpenAPI. `taken` holds the names that query parameters of the operation have: a path parameter
 * of the same name is called `path_NAME`. `problem` is a sentence that says why a template cannot become a route.
 */
export function mapPath(template: string, taken: ReadonlySet<string>): MappedPath | { problem: string } {
  const mapped: MappedPath = { route: '', upstream: '', variables: new Map(), mixed: new Map() };
  if (!template.startsWith('/')) {
    return { problem: 'The path does not start with "/"' };
  }
  const literals: string[] = [];
  for (const segment of template.replace(/\/$/, '').split('/').slice(1)) {
    const converted = segmentRegex(segment);
    if (converted === null) {
      return { problem: `The braces of "${segment}" are not balanced, or nothing stands between two parameters` };
    }
    if (converted.name === null) {
      literals.push(segment);
      mapped.route += `/${converted.path}`;
      mapped.upstream += `/${segment}`;
      continue;
    }
    const name = taken.has(converted.name) ? `path_${converted.name}` : converted.name;
    if (taken.has(name) || mapped.variables.has(name) || mapped.mixed.has(name)) {
      return { problem: `Two parameters of the path would be called "${name}"` };
    }
    (converted.regex === null ? mapped.variables : mapped.mixed).set(
      name,
      converted.regex === null ? segment.slice(1, -1) : segment,
    );
    mapped.route += `/${converted.regex === null ? `:${name}` : `$${name}<${converted.regex}>`}`;
    mapped.upstream += `/:${name}`;
  }
  const lookalike = literals.find((text) =>
    [...text.matchAll(/:(\w+)/g)].some(([, name]) => isParameter(mapped, name!)),
  );
  if (lookalike !== undefined) {
    return { problem: `The text "${lookalike}" reads like a parameter of the same path` };
  }
  mapped.route ||= '/';
  mapped.upstream += template.endsWith('/') ? '/' : '';
  return mapped;
}

/** A parameter's name in Fusio's alphabet: what is not `[A-Za-z0-9_]` becomes `_`. */
export function parameterName(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/g, '_');
}

function isParameter(mapped: MappedPath, name: string): boolean {
  return mapped.variables.has(name) || mapped.mixed.has(name);
}
