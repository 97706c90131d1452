import type { ParameterRecord } from '../core/records.ts';
import { isObject } from '../lib/json.ts';
import { bodyReference, type Content, chooseContent, errorCode, successCode } from './import-openapi-contents.ts';
import { at, type Description, follow, type Json, lookup, objectAt } from './import-openapi-document.ts';
import { idOf, type NamePrefix, operationName, resourceName } from './import-openapi-names.ts';
import { cut, type Parameter, parameterRecord, parametersOf } from './import-openapi-parameters.ts';
import { type MappedPath, mapPath, parameterName } from './import-openapi-paths.ts';
import type { SchemaImport } from './import-openapi-schemas.ts';

export interface ImportOptions {
  /** Path in front of all routes, `/github`. */
  prefix?: string;
  /** Base URL of the upstream, instead of all servers that the description names. */
  server?: string;
  /** Scopes that may call the operations. */
  scopes?: string[];
  /** Whether the operations can be called without a token (default false). */
  public?: boolean;
  /** HTTP connection of the actions; their urls are then relative to it. */
  connection?: string;
}

export interface ImportedAction {
  name: string;
  class: string;
  config: Record<string, unknown>;
}

export interface ImportedOperation {
  name: string;
  httpMethod: string;
  httpPath: string;
  httpCode: number;
  description?: string;
  stability: number;
  active: boolean;
  public: boolean;
  parameters?: Record<string, ParameterRecord>;
  incoming: string | null;
  outgoing: string;
  throws?: Record<string, string>;
  action: string;
  scopes: string[];
  options?: { encodedSlash: string[] };
}

/** What the steps share during one import. */
export interface Importing {
  description: Description;
  prefix: NamePrefix;
  options: ImportOptions;
  schemas: SchemaImport;
  /** Takes a name; a second taker is a problem. */
  claim(kind: string, name: string, pointer: string): void;
  urlOf(item: string, operation: string, path: string): string;
}

/** One operation and its action; null when its path has no route, which is told as a problem. */
export function importOperation(importing: Importing, method: string, path: string, item: string, pointer: string) {
  const { description, prefix, schemas, claim, options } = importing;
  const node = lookup(description.root, pointer) as Json;
  const id = typeof node.operationId === 'string' && node.operationId !== '' ? node.operationId : idOf(method, path);
  const parameters = parametersOf(description, item, pointer);
  const query = nameQuery(description, parameters);
  const mapped = mapPath(path, new Set(query.keys()));
  if ('problem' in mapped) {
    description.refuse(at('/paths', path), 'path', mapped.problem);
    return null;
  }
  const name = operationName(prefix, id);
  const action = resourceName(prefix, id);
  const httpPath = mapped.route === '/' && prefix.path !== '' ? prefix.path : prefix.path + mapped.route;
  claim('operation', name, pointer);
  claim('action', action, pointer);
  claim(
    'route',
    `${method.toUpperCase()} ${httpPath.replace(/\/[:][^/]+/g, '/:').replace(/\/\$\w+</g, '/$<')}`,
    pointer,
  );
  const body = requestContent(description, pointer);
  const code = successCode(objectAt(description, at(pointer, 'responses')));
  const operation: ImportedOperation = {
    name,
    httpMethod: method.toUpperCase(),
    httpPath,
    httpCode: code.status,
    ...describe(node),
    stability: 1,
    active: true,
    public: options.public ?? false,
    ...contract(description, parameters, query, mapped),
    incoming: body === null ? null : bodyReference(schemas, body, 'in', `${id}_Request`),
    outgoing: outgoing(importing, pointer, code.key, id),
    ...failures(importing, pointer, id),
    action: `action://${action}`,
    scopes: options.scopes ?? [],
    ...slashes(parameters, mapped),
  };
  return {
    operation,
    action: { name: action, class: processor, config: configOf(importing, item, pointer, mapped, query, body) },
  };
}

const processor = 'Fusio.Adapter.Http.Action.HttpProcessor';

/** Query parameters by the name that they get. */
function nameQuery(description: Description, parameters: Parameter[]): Map<string, Parameter> {
  const named = new Map<string, Parameter>();
  for (const parameter of parameters.filter((candidate) => candidate.in === 'query')) {
    const name = parameterName(parameter.name);
    const other = named.get(name);
    if (other !== undefined) {
      description.refuse(
        parameter.pointer,
        'collision',
        `The query parameters "${other.name}" and "${parameter.name}" would both be called "${name}"`,
      );
    }
    named.set(name, parameter);
  }
  return named;
}

function contract(
  description: Description,
  parameters: Parameter[],
  query: Map<string, Parameter>,
  mapped: MappedPath,
): { parameters?: Record<string, ParameterRecord> } {
  const declared = new Map(
    parameters.filter((parameter) => parameter.in === 'path').map((parameter) => [parameter.name, parameter]),
  );
  const records: [string, ParameterRecord][] = [];
  for (const [name, variable] of mapped.variables) {
    const parameter = declared.get(variable);
    records.push([name, parameter === undefined ? { type: 'string' } : parameterRecord(description, parameter)]);
  }
  for (const [name, segment] of mapped.mixed) {
    records.push([name, { type: 'string', description: `The path segment ${segment}` }]);
  }
  for (const [name, parameter] of query) {
    records.push([name, parameterRecord(description, parameter)]);
  }
  return records.length === 0 ? {} : { parameters: Object.fromEntries(records) };
}

/** Where an encoded slash may stand in a path parameter: GitHub's `x-multi-segment`, and `allowReserved`. */
function slashes(parameters: Parameter[], mapped: MappedPath): { options?: { encodedSlash: string[] } } {
  const allowed = new Set(
    parameters
      .filter(
        ({ in: place, node }) => place === 'path' && (node['x-multi-segment'] === true || node.allowReserved === true),
      )
      .map((parameter) => parameter.name),
  );
  const whole = [...mapped.variables].filter(([, variable]) => allowed.has(variable));
  const mixed = [...mapped.mixed].filter(([, segment]) => [...allowed].some((name) => segment.includes(`{${name}}`)));
  const names = [...whole, ...mixed].map(([name]) => name);
  return names.length === 0 ? {} : { options: { encodedSlash: names } };
}

function describe(node: Json): { description?: string } {
  const texts = [node.deprecated === true ? 'Deprecated.' : '', node.summary, node.description]
    .filter((text): text is string => typeof text === 'string' && text.trim() !== '')
    .map((text) => text.trim());
  return texts.length === 0 ? {} : { description: cut([...new Set(texts)].join('\n\n'), 500) };
}

function requestContent(description: Description, pointer: string): Content | null {
  if (!isObject(lookup(description.root, at(pointer, 'requestBody')))) {
    return null;
  }
  const body = follow(description, at(pointer, 'requestBody'));
  const content = body === null ? null : chooseContent(description, body.pointer);
  // A flat form is checked by the schema of the JSON body.
  const refused = content?.json ? content.others.filter((type) => type !== 'application/x-www-form-urlencoded') : [];
  if (refused.length > 0) {
    description.warn(body!.pointer, `Only JSON bodies are accepted, not ${refused.join(', ')}`);
  }
  return content;
}

function outgoing({ description, schemas }: Importing, pointer: string, key: string | null, id: string): string {
  const response = key === null ? null : follow(description, at(pointer, 'responses', key));
  const content = response === null ? null : chooseContent(description, response.pointer);
  return content === null ? 'schema://Passthru' : bodyReference(schemas, content, 'out', `${id}_Response`);
}

function failures(
  { description, schemas }: Importing,
  pointer: string,
  id: string,
): { throws?: Record<string, string> } {
  const throws: Record<string, string> = {};
  for (const key of Object.keys(objectAt(description, at(pointer, 'responses')))) {
    const code = errorCode(key);
    const response = code === null ? null : follow(description, at(pointer, 'responses', key));
    if (code !== null && response !== null) {
      const content = chooseContent(description, response.pointer);
      throws[code] =
        content === null ? 'schema://Passthru' : bodyReference(schemas, content, 'out', `${id}_Error${code}`);
    }
  }
  return Object.keys(throws).length === 0 ? {} : { throws };
}

function configOf(
  { options, urlOf }: Importing,
  item: string,
  pointer: string,
  mapped: MappedPath,
  query: Map<string, Parameter>,
  body: Content | null,
): Record<string, unknown> {
  const renamed = [...query]
    .filter(([name, parameter]) => name !== parameter.name)
    .map(([name, parameter]) => [name, parameter.name]);
  return {
    ...(options.connection === undefined ? {} : { connection: options.connection }),
    url: urlOf(item, pointer, mapped.upstream),
    ...(body === null || body.encoding === 'json' ? {} : { type: body.encoding }),
    ...(renamed.length === 0 ? {} : { rename: Object.fromEntries(renamed) }),
  };
}
