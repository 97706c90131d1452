import type { ParameterRecord } from '../core/records.ts';
import { parseRoutePath, type RouteSegment } from '../lib/route-path.ts';
import {
  closureOf,
  type DescribedOperation,
  type Description,
  modelsOf,
  type Payload,
  payloadsIn,
  tagsOf,
} from './description.ts';
import { modelsInSchema, referenceTo } from './references.ts';

type Members = Record<string, any>;

/**
 * The description as an OpenAPI 3.1 document. Operations that differ only in the pattern of a path parameter cannot stand side
 * by side there: the first one has the path, the others are its `x-alternatives`.
 */
export function openApiOf(description: Description): Members {
  const { baseUrl, info, scopes, operations, models, grants } = description;
  const names = closureOf(modelsOf(operations.flatMap(payloadsIn)), models.schemas, modelsInSchema);
  const tags = [...new Set(operations.flatMap(tagsOf))].sort();
  return {
    openapi: '3.1.1',
    info,
    servers: [{ url: baseUrl }],
    tags: tags.map((name) => ({ name })),
    paths: pathsOf(operations),
    components: {
      schemas: { ...Object.fromEntries(names.map((name) => [name, models.schemas[name]])), [problem]: problemSchema },
      securitySchemes: { app: { type: 'oauth2', flows: flowsOf(baseUrl, scopes, grants) } },
    },
  };
}

function flowsOf(baseUrl: string, scopes: Record<string, string>, grants: readonly string[]): Members {
  const endpoint = `${baseUrl}/authorization/token`;
  const flow = { tokenUrl: endpoint, refreshUrl: endpoint, scopes };
  const flows: [grant: string, name: string, flow: Members][] = [
    ['client_credentials', 'clientCredentials', flow],
    ['password', 'password', flow],
    ['authorization_code', 'authorizationCode', { authorizationUrl: `${baseUrl}/authorization/authorize`, ...flow }],
  ];
  return Object.fromEntries(flows.filter(([grant]) => grants.includes(grant)).map(([, name, value]) => [name, value]));
}

function pathsOf(operations: readonly DescribedOperation[]): Members {
  /** By the path with its parameters made anonymous. */
  const templates = new Map<string, { template: string; names: string[]; item: Members }>();
  for (const operation of operations) {
    const segments = segmentsOf(operation);
    const shape = segments.map((segment) => (segment.kind === 'static' ? `/${segment.text}` : '/{}')).join('') || '/';
    let place = templates.get(shape);
    if (place === undefined) {
      const names = segments.flatMap((segment) => (segment.kind === 'static' ? [] : [segment.name]));
      const template = segments.map(templateOf).join('') || '/';
      templates.set(shape, (place = { template, names, item: {} }));
    }
    const method = operation.method.toLowerCase();
    const written = operationOf(operation, segments, place.names);
    if (place.item[method] === undefined) {
      place.item[method] = written;
    } else {
      place.item[method]['x-alternatives'] ??= [];
      place.item[method]['x-alternatives'].push(written);
    }
  }
  return Object.fromEntries([...templates.values()].map(({ template, item }) => [template, item]));
}

function segmentsOf({ path }: DescribedOperation): RouteSegment[] {
  const parsed = parseRoutePath(path);
  return parsed.ok ? parsed.route.segments : [];
}

function templateOf(segment: RouteSegment): string {
  return segment.kind === 'static' ? `/${encodeURIComponent(segment.text)}` : `/{${segment.name}}`;
}

/** `names` are those that the parameters of the path have in the document. */
function operationOf(operation: DescribedOperation, segments: RouteSegment[], names: string[]): Members {
  const { name, description, incoming, options, scopes, stability } = operation;
  const tags = tagsOf(operation);
  const parameters = [...pathParameters(operation, segments, names), ...queryParameters(operation, segments)];
  const secured = operation.public
    ? []
    : scopes.length === 0
      ? [{ app: [] }]
      : scopes.map((scope) => ({ app: [scope] }));
  return {
    ...(tags.length === 0 ? {} : { tags }),
    ...(description === '' ? {} : { description }),
    operationId: name,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(incoming === null ? {} : { requestBody: { content: contentOf(incoming) } }),
    responses: responsesOf(operation),
    ...(stability === 0 ? { deprecated: true } : {}),
    // One of several scopes is enough.
    security: secured,
    'x-stability': ['deprecated', 'experimental', 'stable', 'legacy'][stability],
    ...(options?.sunset === undefined ? {} : { 'x-sunset': options.sunset }),
  };
}

function pathParameters({ parameters }: DescribedOperation, segments: RouteSegment[], names: string[]): Members[] {
  const variable = segments.flatMap((segment) => (segment.kind === 'static' ? [] : [segment]));
  return variable.map((segment, index) => {
    const { description, ...schema }: ParameterRecord = { type: 'string', ...parameters[segment.name] };
    const about = description ?? (segment.kind === 'rest' ? 'The rest of the path, with its slashes' : undefined);
    return {
      name: names[index],
      in: 'path',
      required: true,
      ...(about === undefined ? {} : { description: about }),
      schema: segment.kind === 'pattern' ? { pattern: segment.pattern.source, ...schema } : schema,
    };
  });
}

function queryParameters({ parameters }: DescribedOperation, segments: RouteSegment[]): Members[] {
  const inPath = segments.flatMap((segment) => (segment.kind === 'static' ? [] : [segment.name]));
  const query = Object.entries(parameters).filter(([name]) => !inPath.includes(name));
  return query.map(([name, { description, required, deprecated, ...schema }]) => ({
    name,
    in: 'query',
    ...(description === undefined ? {} : { description }),
    required: required === true,
    ...(deprecated === true ? { deprecated } : {}),
    schema,
  }));
}

/** Every operation can fail as the gateway fails: what is not declared answers with a problem. */
function responsesOf({ code, outgoing, throws }: DescribedOperation): Members {
  const failure = { description: 'The request was refused', content: contentOf({ model: problem }) };
  const responses: Members = { [code]: { description: 'Success', content: contentOf(outgoing) } };
  for (const [status, payload] of throws) {
    // The platform's own operations: their model in TypeAPI is Fusio's, which has fewer members.
    const content = contentOf('model' in payload && payload.model === 'Common_Message' ? { model: problem } : payload);
    const keys = status === 999 ? ['4XX', '5XX'] : status === 499 ? ['4XX'] : status === 599 ? ['5XX'] : [status];
    for (const key of keys) {
      responses[key] = { description: statusText(key), content };
    }
  }
  return {
    ...responses,
    '4XX': responses['4XX'] ?? { ...failure, description: statusText('4XX') },
    '5XX': responses['5XX'] ?? { ...failure, description: statusText('5XX') },
  };
}

function statusText(key: string | number): string {
  return String(key).startsWith('4') ? 'The request was refused' : 'The request could not be answered';
}

function contentOf(payload: Payload): Members {
  return 'media' in payload
    ? { [payload.media]: {} }
    : { 'application/json': { schema: { $ref: referenceTo(payload.model) } } };
}

/** No model of a schema can have it: its name holds a dot. */
const problem = 'Gateway.Problem';

/** RFC 9457, with the members that Fusio's clients read. */
const problemSchema = {
  description: 'What went wrong (RFC 9457)',
  type: 'object',
  properties: {
    success: { const: false },
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string', description: 'Phrase of the status' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Name of the error, stable' },
    message: { type: 'string' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'The call: urn:uuid: and its X-Request-Id' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          pointer: { type: 'string', description: 'JSON Pointer into body, query or path (RFC 6901)' },
          rule: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
};
