import type { CallOperation } from '../../core/call.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { assertFormatKeyword } from '../../lib/schema/engine.ts';
import { TypeSchemaConversion } from '../../lib/schema/typeschema-conversion.ts';
import { resources } from '../../resources/index.ts';
import {
  closureOf,
  type DescribedOperation,
  type JsonSchema,
  type Models,
  modelsOf,
  type Payload,
  payloadsIn,
  type TypeSchema,
} from '../description.ts';
import { mapSchemas, modelsInSchema, modelsInType, referenceTo } from '../references.ts';
import { typesOf } from '../typeschema-of.ts';
import { backendModels } from './models-backend.ts';
import { consumerModels } from './models-consumer.ts';
import { furtherMembers, ownModels } from './models-own.ts';
import { sharedModels } from './models-shared.ts';
import { readModels } from './notation.ts';
import { payloads } from './payloads.ts';

/**
 * The platform's own operations as documents tell of them, with the models that they name. Models have Fusio's names and
 * members, the members that our resources have beyond those, and the descriptions that are declared with the resources.
 * Operations that Fusio does not have get their models from their own contracts.
 */
export function describeManagement(operations: readonly CallOperation[]): Management {
  const rooms = [...new Set(operations.map(({ category_id }) => category_id))].sort().join();
  let management = described.get(rooms);
  if (management === undefined) {
    described.set(rooms, (management = make(operations)));
  }
  return management;
}

interface Management {
  operations: DescribedOperation[];
  models: Models;
}

/** By categories: what is compiled in stays as it is as long as the isolate lives. */
const described = new Map<string, Management>();

function make(operations: readonly CallOperation[]): Management {
  const types = managementTypes();
  const own: Record<string, JsonSchema> = {};
  const written = operations.flatMap((operation) =>
    operation.native === null ? [] : [describe(operation, operation.native, own)],
  );
  const ownTypes = typesOf(own);
  const names = closureOf(modelsOf(written.flatMap(payloadsIn)), { ...types, ...ownTypes }, modelsInType);
  const used = Object.fromEntries(names.flatMap((name) => (name in types ? [[name, types[name]!]] : [])));
  return {
    operations: written,
    models: {
      schemas: { ...schemasOf(used, modelsOf(written.map(({ incoming }) => incoming))), ...own },
      types: { ...used, ...ownTypes },
    },
  };
}

const failure: Payload = { model: 'Common_Message' };

function describe(operation: CallOperation, native: SystemOperation, own: Record<string, JsonSchema>) {
  const { incoming, outgoing } = payloadsOf(native, own);
  return {
    name: operation.name,
    method: operation.http_method,
    path: operation.http_path,
    description: operation.description ?? '',
    stability: operation.stability,
    public: operation.public,
    scopes: operation.public ? roomOf(native.name) : Object.keys(operation.scopes),
    parameters: native.query ?? {},
    incoming,
    outgoing: outgoing ?? { model: 'Passthru' },
    code: operation.http_code,
    throws: [[999, failure]],
    options: operation.options,
  } satisfies DescribedOperation;
}

/** What consumers may do without a token belongs to a part of their room all the same. */
function roomOf(name: string): string[] {
  const [room, part] = name.split('.');
  return room === 'consumer' ? [`${room}.${part}`] : [];
}

const known = new Map(
  payloads
    .trim()
    .split('\n')
    .map((line) => {
      const [, name, incoming, outgoing] = /^([\w.]+): (?:(\S+) )?-> (\S+)$/.exec(line)!;
      return [name!, { incoming: payload(incoming), outgoing: payload(outgoing) }];
    }),
);

function payload(written: string | undefined): Payload | null {
  if (written === undefined) {
    return null;
  }
  return written.includes('/') ? { media: written } : { model: written };
}

function payloadsOf(native: SystemOperation, own: Record<string, JsonSchema>) {
  const found = known.get(native.name);
  if (found !== undefined) {
    return found;
  }
  const model = (schema: object | undefined, suffix: string): Payload | null => {
    if (schema === undefined) {
      return null;
    }
    const name = modelName(native.name) + suffix;
    own[name] = schema as JsonSchema;
    return { model: name };
  };
  return { incoming: model(native.incoming, 'Request'), outgoing: model(native.outgoing, 'Response') };
}

/** `backend.revision.compare` → `Backend_RevisionCompare`. */
function modelName(operation: string): string {
  const [room = '', ...rest] = operation.split('.').map((part) => part[0]!.toUpperCase() + part.slice(1));
  return [room, rest.join('')].filter(Boolean).join('_');
}

let made: Record<string, TypeSchema> | undefined;

function managementTypes(): Record<string, TypeSchema> {
  if (made === undefined) {
    const types = {
      ...readModels(sharedModels),
      ...withResources(readModels(backendModels)),
      ...readModels(consumerModels),
      ...readModels(ownModels),
    };
    for (const [name, { properties }] of Object.entries(readModels(furtherMembers))) {
      const model = types[name]!;
      model.properties = { ...(model.properties as object), ...(properties as object) };
    }
    made = types;
  }
  return made;
}

/** Adds to the model of each entity what its resource declares: descriptions, and members that Fusio does not have. */
function withResources(models: Record<string, TypeSchema>): Record<string, TypeSchema> {
  for (const resource of resources.values()) {
    const name = `Backend_${resource.name[0]!.toUpperCase()}${resource.name.slice(1)}`;
    const model = models[name];
    if (model === undefined) {
      continue;
    }
    const known = (model.properties ?? {}) as Record<string, TypeSchema>;
    const fields = Object.entries(resource.fields).filter(([, { hidden }]) => !hidden);
    const further = fields.filter(([member]) => !(member in known)).map(([member, { schema }]) => [member, schema]);
    // Structs inside become models of their own.
    const { [name]: extra, ...inner } = typesOf({
      [name]: { type: 'object', properties: Object.fromEntries(further) },
    });
    const properties: Record<string, TypeSchema> = { ...known, ...(extra?.properties as Record<string, TypeSchema>) };
    for (const [member, { schema }] of fields) {
      const { description } = schema as { description?: string };
      properties[member] = { ...(description === undefined ? {} : { description }), ...properties[member] };
    }
    Object.assign(models, inner, { [name]: { description: resource.description, ...model, properties } });
  }
  return models;
}

/**
 * Definitions of TypeSchema as JSON Schemas of a description. Generic ones have none: those that extend them hold their members.
 * `taken` are the models of requests, in which a member may be null; answers leave out what has no value.
 */
function schemasOf(types: Record<string, TypeSchema>, taken: Iterable<string>): Record<string, JsonSchema> {
  const definitions = { ...types };
  if (types[formElement] !== undefined) {
    // Fusio's model calls the member `type`, its answers and its apps `element`.
    definitions[formElement] = { ...types[formElement], discriminator: 'element' };
  }
  const { $defs } = new TypeSchemaConversion({ definitions }).run(assertFormatKeyword);
  const schemas: Record<string, JsonSchema> = {};
  for (const [name, schema] of Object.entries(($defs ?? {}) as Record<string, JsonSchema>)) {
    if (types[name] !== undefined && !isGeneric(types[name])) {
      schemas[name] = mapSchemas(schema, moved) as JsonSchema;
    }
  }
  const nullable = new Set(closureOf(taken, schemas, modelsInSchema));
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      nullable.has(name) ? schema : (mapSchemas(schema, withoutNull) as JsonSchema),
    ]),
  );
}

const formElement = 'Common_FormElement';

function moved(part: JsonSchema): JsonSchema {
  const { $ref } = part;
  return typeof $ref === 'string' ? { ...part, $ref: referenceTo($ref.slice('#/$defs/'.length)) } : part;
}

function withoutNull({ type, anyOf, ...part }: JsonSchema): JsonSchema {
  if (Array.isArray(anyOf) && anyOf.length === 2 && anyOf[1].type === 'null') {
    return { ...anyOf[0], ...part };
  }
  const kept = Array.isArray(type) ? type.filter((name) => name !== 'null') : [type];
  const types = kept.length === 1 ? kept[0] : kept;
  return { ...(types === undefined ? {} : { type: types }), ...(anyOf === undefined ? {} : { anyOf }), ...part };
}

function isGeneric(type: TypeSchema): boolean {
  return JSON.stringify(type).includes('"generic"');
}
