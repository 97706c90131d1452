import { compilePattern } from '../../worker/lib/schema/pattern.ts';

type Json = Record<string, any>;

/** A value that keeps a JSON Schema (2020-12, as the importer writes it): as small as it may be. `resolve` gives named schemas. */
export function sample(schema: Json | boolean, resolve: (name: string) => Json, depth = 0): unknown {
  if (typeof schema === 'boolean' || depth > 30) {
    return null;
  }
  if (typeof schema.$ref === 'string') {
    return sample(resolve(schema.$ref.replace('schema://', '')), resolve, depth + 1);
  }
  if (schema.const !== undefined || schema.enum !== undefined) {
    return schema.const ?? schema.enum.find((value: unknown) => value !== null);
  }
  const choice = (schema.oneOf ?? schema.anyOf)?.[0];
  const parts: Json[] = [schema, ...(schema.allOf ?? []), ...(choice === undefined ? [] : [choice])];
  if (choice !== undefined && schema.properties === undefined && schema.type === undefined) {
    return sample(choice, resolve, depth + 1);
  }
  const type = [schema.type].flat().find((name) => name !== 'null') ?? (schema.properties ? 'object' : undefined);
  switch (type) {
    case 'object':
      return object(parts, resolve, depth);
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sample(schema.items ?? {}, resolve, depth + 1));
    case 'integer':
    case 'number':
      return schema.minimum ?? Math.min(1, schema.maximum ?? 1);
    case 'boolean':
      return true;
    case 'string':
      return text(schema);
    default:
      return parts.length > 1 ? object(parts, resolve, depth) : {};
  }
}

function object(parts: Json[], resolve: (name: string) => Json, depth: number): Json {
  const properties: Json = Object.assign({}, ...parts.map((part) => part.properties ?? {}));
  const wanted = new Set<string>(parts.flatMap((part) => part.required ?? []));
  const least = Math.max(...parts.map((part) => part.minProperties ?? 0));
  for (const name of Object.keys(properties)) {
    if (wanted.size < least) {
      wanted.add(name);
    }
  }
  return Object.fromEntries([...wanted].map((name) => [name, sample(properties[name] ?? {}, resolve, depth + 1)]));
}

/** One of these keeps each pattern of GitHub's description. */
const patterned = [
  'c2FtcGxl',
  'refs/heads/main',
  'a'.repeat(40),
  'https://example.com/',
  `sha256:${'b'.repeat(64)}`,
  'pkg:npm/sample@1.0.0',
  'ssh-rsa AAAAB3Nz sample',
  '1.0.0',
];

function text(schema: Json): string {
  if (schema.pattern !== undefined) {
    const { test } = compilePattern(schema.pattern);
    return patterned.find((candidate) => test(candidate)) ?? 'sample';
  }
  const given = schema.examples?.[0] ?? schema.default;
  if (typeof given === 'string') {
    return given;
  }
  const formats: Record<string, string> = {
    'date-time': '2026-01-02T03:04:05Z',
    date: '2026-01-02',
    uri: 'https://example.com/',
    email: 'a@example.com',
  };
  return (formats[schema.format] ?? 'sample').padEnd(schema.minLength ?? 0, 'a').slice(0, schema.maxLength ?? 1000);
}
