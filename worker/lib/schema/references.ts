import { isObject } from '../json.ts';

/** The names behind `schema://` in the references of a JSON Schema and in `$schema` (with `@commit`, where there is one), each once. */
export function namedReferences(schema: unknown): string[] {
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      value.forEach(visit);
    } else if (isObject(value)) {
      for (const reference of [value.$ref, value.$schema]) {
        const name = typeof reference === 'string' ? schemaName(reference.replace(/#.*$/s, '')) : undefined;
        if (name !== undefined) {
          names.add(name);
        }
      }
      Object.values(value).forEach(visit);
    }
  };
  visit(schema);
  return [...names];
}

/** `Name` of `schema://Name` (Fusio's examples have three slashes); undefined for other URIs. */
export function schemaName(uri: string): string | undefined {
  return /^schema:\/{2,3}([^/].*)$/s.exec(uri)?.[1];
}
