import type { OperationOptions, ParameterRecord } from '../core/records.ts';
import { parameterNames, parseRoutePath } from '../lib/route-path.ts';

/** A type of TypeSchema (typeschema.org), as Fusio's documents carry it. */
export type TypeSchema = Record<string, unknown>;

/** A JSON Schema 2020-12 whose references are `#/components/schemas/Name`. */
export type JsonSchema = Record<string, unknown>;

/** The payload types of a description, in both languages, by the same names. */
export interface Models {
  schemas: Record<string, JsonSchema>;
  types: Record<string, TypeSchema>;
}

/** What a body carries: a named type, or bytes of a media type. */
export type Payload = { model: string } | { media: string };

/** An operation as the documents tell of it, configured or compiled in. */
export interface DescribedOperation {
  name: string;
  method: string;
  /** Fusio's path syntax. */
  path: string;
  description: string;
  stability: number;
  public: boolean;
  /** Any one of them lets a caller in. */
  scopes: string[];
  /** Query parameters, and those of the path that are declared. */
  parameters: Record<string, ParameterRecord>;
  incoming: Payload | null;
  outgoing: Payload;
  /** Status of success. */
  code: number;
  /** Status (999: any) → payload of a failure. */
  throws: [status: number, payload: Payload][];
  options: OperationOptions | null;
}

/** What a document of the API says, whatever its format. */
export interface Description {
  baseUrl: string;
  info: {
    title: string;
    description: string;
    version: string;
    termsOfService?: string;
    contact?: { name?: string; url?: string; email?: string };
    license?: { name: string; url?: string };
  };
  /** Scope → what it is for, of all that the operations name. */
  scopes: Record<string, string>;
  /** Grants of the token endpoint. */
  grants: readonly string[];
  operations: DescribedOperation[];
  models: Models;
}

/** The last parts of the scopes: what documents group operations by. */
export function tagsOf({ scopes }: Pick<DescribedOperation, 'scopes'>): string[] {
  return [...new Set(scopes.map((scope) => scope.slice(scope.lastIndexOf('.') + 1)))];
}

/** Path parameters in order. */
export function pathParametersOf({ path }: Pick<DescribedOperation, 'path'>): string[] {
  const parsed = parseRoutePath(path);
  return parsed.ok ? parameterNames(parsed.route) : [];
}

/** All that an operation takes and gives. */
export function payloadsIn({ incoming, outgoing, throws }: DescribedOperation): (Payload | null)[] {
  return [incoming, outgoing, ...throws.map(([, payload]) => payload)];
}

/** The models that payloads name, directly. */
export function modelsOf(payloads: readonly (Payload | null)[]): Set<string> {
  return new Set(payloads.flatMap((payload) => (payload !== null && 'model' in payload ? [payload.model] : [])));
}

/** The names in `roots` and all that they lead to, in alphabetical order. */
export function closureOf<T>(
  roots: Iterable<string>,
  models: Readonly<Record<string, T>>,
  leadsTo: (model: T) => string[],
): string[] {
  const reached = new Set<string>();
  const waiting = [...roots];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const model = Object.hasOwn(models, name) ? models[name] : undefined;
    if (model !== undefined && !reached.has(name)) {
      reached.add(name);
      waiting.push(...leadsTo(model));
    }
  }
  return [...reached].sort();
}
