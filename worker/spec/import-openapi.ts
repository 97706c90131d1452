import { ApiError } from '../core/errors.ts';
import { isObject } from '../lib/json.ts';
import { at, type Description, follow, objectAt, openDescription } from './import-openapi-document.ts';
import { readPrefix } from './import-openapi-names.ts';
import {
  type ImportedAction,
  type ImportedOperation,
  type Importing,
  type ImportOptions,
  importOperation,
} from './import-openapi-operation.ts';
import { createSchemaImport, type NamedSchema } from './import-openapi-schemas.ts';
import { createServers } from './import-openapi-servers.ts';

/*
 * Makes an API of Postern out of an API description: OpenAPI 3.0, 3.1, 3.2 or Swagger 2.0.
 *
 * How names and paths are mapped. With the prefix `/github`:
 *
 * - Operation: `github.` and the operationId, in which `/` and `:` become `.` and what else is not [A-Za-z0-9_.] becomes `_`
 *   (`issues/list-for-repo` → `github.issues.list_for_repo`). Without an operationId: method and path segments, joined by
 *   dots. Names over 64 characters are cut to 55 and end with `_` and eight hex digits of the SHA-256 of prefix and id.
 * - Action: `Github_` and the operationId, in which `/`, `:` and `.` become `-` and what else is not [A-Za-z0-9_-] becomes `_`
 *   (`Github_issues-list-for-repo`); over 255 characters cut and hashed likewise.
 * - Schema: `Github_` and the component's name by the action's rule. A body that is no component is called after its
 *   operation, `…_Request`, `…_Response`, `…_Error404`, or after the shared body, `NotFound_Response`. Members that are required and read-only (or write-only) make two
 *   schemas of one, the second with `_Input`, for request bodies.
 * - Path: prefix and template. `{id}` becomes `:id`; a segment of several parts, `{base}...{head}`, becomes one parameter
 *   `$base_head<^(.+)\.\.\.(.+)$>` that holds the whole segment, and goes to the upstream as it came. A trailing slash is
 *   dropped from the route and kept upstream.
 * - Parameter: what is not [A-Za-z0-9_] becomes `_` (`per-page` → `per_page`), and the action gives it its old name in the
 *   upstream's query. A path parameter that a query parameter shares its name with is called `path_NAME`.
 * - Two things that end up with one name, or two operations with one route, are an error. Nothing is skipped or numbered.
 *
 * All errors of a description are told in one ApiError `invalid_request`; `errors[].pointer` points into the description.
 */

export interface OpenApiImport {
  schemas: NamedSchema[];
  actions: ImportedAction[];
  operations: ImportedOperation[];
  /** Sentences that begin with a JSON Pointer into the description. */
  warnings: string[];
}

/** Maps a parsed description by the rules above. Throws ApiError `invalid_request`. */
export function importOpenApi(document: unknown, options: ImportOptions = {}): OpenApiImport {
  const prefix = readPrefix(options.prefix);
  if (prefix === null) {
    throw new ApiError(
      'invalid_request',
      `The prefix "${options.prefix}" must consist of plain segments: letters, digits, "-", "_", "." and "~"`,
    );
  }
  const description = openDescription(document);
  const claim = createClaims(description);
  const schemas = createSchemaImport(description, prefix, (name, pointer) => claim('schema', name, pointer));
  const importing: Importing = {
    description,
    prefix,
    options,
    schemas,
    claim,
    urlOf: createServers(description, options),
  };
  for (const name of Object.keys(objectAt(description, '/components/schemas'))) {
    schemas.reference(at('/components/schemas', name), 'out');
  }
  const pairs = everyOperation(importing).map(({ method, path, item, pointer }) =>
    importOperation(importing, method, path, item, pointer),
  );
  const named = schemas.finish();
  tellLeftOut(description, options);
  if (description.problems.length > 0) {
    throw refusal(description);
  }
  const found = pairs.filter((pair) => pair !== null);
  return {
    schemas: named,
    actions: found.map((pair) => pair.action),
    operations: found.map((pair) => pair.operation),
    warnings: description.warnings,
  };
}

const methods = ['get', 'post', 'put', 'patch', 'delete'];

function everyOperation({ description }: Importing) {
  return Object.keys(objectAt(description, '/paths'))
    .filter((path) => !path.startsWith('x-'))
    .flatMap((path) => {
      const opened = follow(description, at('/paths', path));
      if (opened === null) {
        return [];
      }
      for (const other of ['trace', 'query']) {
        if (other in opened.node) {
          description.warn(at(opened.pointer, other), `${other.toUpperCase()} operations are not imported`);
        }
      }
      return methods
        .filter((method) => isObject(opened.node[method]))
        .map((method) => ({ method, path, item: opened.pointer, pointer: at(opened.pointer, method) }));
    });
}

function createClaims(description: Description) {
  const holders = new Map<string, string>();
  return (kind: string, name: string, pointer: string): void => {
    const holder = holders.get(`${kind} ${name}`);
    if (holder === undefined) {
      holders.set(`${kind} ${name}`, pointer);
    } else {
      const what =
        kind === 'route' ? `the route ${name}` : `${kind === 'schema' ? 'a' : 'an'} ${kind} called "${name}"`;
      description.refuse(pointer, 'collision', `Becomes ${what}, as ${holder} does`);
    }
  };
}

function tellLeftOut(description: Description, options: ImportOptions): void {
  for (const part of ['webhooks', 'x-webhooks']) {
    if (Object.keys(objectAt(description, at('', part))).length > 0) {
      description.warn(at('', part), 'Webhooks are not imported');
    }
  }
  const schemes = Object.keys(objectAt(description, '/components/securitySchemes'));
  if (schemes.length > 0 && options.connection === undefined) {
    description.warn(
      '/components/securitySchemes',
      `The upstream may ask for credentials (${schemes.join(', ')}): put them into a connection and import with it`,
    );
  }
}

function refusal(description: Description): ApiError {
  const { problems } = description;
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new ApiError(
    'invalid_request',
    `The description cannot be imported: ${first!.pointer}: ${first!.message}${more}`,
    {
      errors: problems.slice(0, 100),
    },
  );
}
