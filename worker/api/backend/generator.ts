import { type TObject, Type } from 'typebox';
import { classList, formOf } from '../../actions/form.ts';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { Change } from '../../core/ports.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { isObject } from '../../lib/json.ts';
import { compile } from '../../lib/schema/engine.ts';
import { actorOf } from '../../resources/crud.ts';
import { connectionOptions } from './classes.ts';
import { fileDirectoryGenerator } from './generator-file-directory.ts';
import { importOpenApiGenerator } from './generator-openapi.ts';
import { sqlDatabaseGenerator, sqlTableGenerator } from './generator-sql.ts';
import { sqlEntityGenerator } from './generator-sql-entity.ts';

/** What a generator makes, in API terms; Fusio's "changelog". */
export interface Generated {
  schemas: { name: string }[];
  actions: { name: string }[];
  operations: { name: string }[];
  warnings: string[];
}

/** What every generator is told beside its own configuration. */
export interface GeneratorSetup {
  /** Prefix of paths and names. */
  path: string;
  scopes: string[];
  public: boolean;
}

/** A kind of generator: one file each, one line in the registry. */
export interface Generator {
  /** Fusio's class name with dots. */
  class: string;
  name: string;
  description: string;
  config: TObject;
  /** Throws ApiError; pointers are relative to the configuration. */
  generate(call: Call, config: Record<string, unknown>, setup: GeneratorSetup): Promise<Generated>;
  /** Makes what the generated actions stand on, when a plan of the publish went well; gives back what takes it away, should the publish fail. */
  prepare?(call: Call, config: Record<string, unknown>): Promise<() => Promise<void>>;
}

/** Every generator. A new one is a new file and a line here. */
export const generators: readonly Generator[] = [
  fileDirectoryGenerator,
  importOpenApiGenerator,
  sqlDatabaseGenerator,
  sqlEntityGenerator,
  sqlTableGenerator,
];

/** Largest request; larger documents are uploaded in parts and named as `upload:<id>`. */
const bodyLimit = 8_000_000;

const providerBody = Type.Object({
  path: Type.Optional(Type.Union([Type.String({ description: 'Prefix of paths and names' }), Type.Null()])),
  scopes: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  public: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  update: Type.Optional(
    Type.Boolean({ description: 'Update what exists under a generated name; without it, that is an error' }),
  ),
  message: Type.Optional(Type.String({ maxLength: 500, description: 'Shown in the list of revisions' })),
  config: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

/** Generators make schemas, actions and operations out of something that exists; one run is one publish. */
export const generatorOperations: readonly SystemOperation[] = [
  {
    name: 'backend.generator.getClasses',
    method: 'GET',
    path: '/backend/generator',
    description: 'Lists the classes of generators',
    scope: 'backend.generator',
    run: async () => ({ providers: classList(generators) }),
  },
  {
    name: 'backend.generator.getForm',
    method: 'GET',
    path: '/backend/generator/:provider',
    description: 'Returns the configuration form of a generator',
    scope: 'backend.generator',
    run: async (call, input) => formOf(find(input).config, { connections: await connectionOptions(call) }),
  },
  {
    name: 'backend.generator.getChangelog',
    method: 'PUT',
    path: '/backend/generator/:provider',
    description: 'Shows what a generator would create, and checks that it could',
    scope: 'backend.generator',
    options: { bodyLimit },
    incoming: Type.Record(Type.String(), Type.Unknown()),
    run: dryRun,
  },
  {
    name: 'backend.generator.executeProvider',
    method: 'POST',
    path: '/backend/generator/:provider',
    description: 'Creates the schemas, actions and operations of a generator',
    scope: 'backend.generator',
    status: 201,
    options: { bodyLimit },
    incoming: providerBody,
    run: execute,
  },
];

/** The body is the configuration, as in Fusio, or the body of an execution: then its path, scopes and the rest count too. */
async function dryRun(call: Call, input: Input) {
  const body = (input.body ?? {}) as Record<string, unknown>;
  const order = readOrder(isObject(body.config) ? body : { config: body });
  const generated = await generate(call, find(input), order);
  const { results } = await publish(call, generated, order, true);
  return { ...generated, counts: count(results) };
}

async function execute(call: Call, input: Input) {
  const order = readOrder((input.body ?? {}) as Record<string, unknown>);
  const generator = find(input);
  const generated = await generate(call, generator, order);
  const { head, results } = await publishPrepared(call, generator, generated, {
    ...order,
    message: order.message ?? generator.name,
  });
  call.headers.set('X-Config-Revision', String(head.revision));
  return {
    success: true,
    message: 'Provider successfully executed',
    revision: head.revision,
    counts: count(results),
    warnings: generated.warnings,
  };
}

/** What is made beforehand is taken away again when the publish fails after all. */
async function publishPrepared(call: Call, generator: Generator, generated: Generated, order: Order) {
  if (generator.prepare === undefined) {
    return publish(call, generated, order, false);
  }
  await publish(call, generated, order, true);
  const undo = await generator.prepare(call, order.config);
  try {
    return await publish(call, generated, order, false);
  } catch (thrown) {
    await undo().catch((failure: unknown) => call.runtime.report('generator.undo', failure));
    throw thrown;
  }
}

interface Order extends GeneratorSetup {
  config: Record<string, unknown>;
  update: boolean;
  message: string | undefined;
}

function readOrder(body: Record<string, unknown>): Order {
  return {
    path: typeof body.path === 'string' ? body.path : '',
    scopes: Array.isArray(body.scopes) ? body.scopes.map(String) : [],
    public: body.public === true,
    update: body.update === true,
    message: typeof body.message === 'string' ? body.message : undefined,
    config: isObject(body.config) ? body.config : {},
  };
}

async function generate(call: Call, generator: Generator, order: Order): Promise<Generated> {
  const config = Object.fromEntries(Object.entries(order.config).filter(([, value]) => value !== null && value !== ''));
  const violations = compile(generator.config).check(config);
  const [first] = violations;
  if (first !== undefined) {
    const errors = violations.map((violation) => ({ ...violation, pointer: `/body/config${violation.pointer}` }));
    throw new ApiError('invalid_body', `${errors[0]!.pointer} ${first.message}`, { errors });
  }
  try {
    return await generator.generate(call, config, order);
  } catch (thrown) {
    throw pointed(thrown, (pointer) => `/body/config${pointer}`);
  }
}

/** Schemas first, then actions, then the operations that refer to both. What exists already is an error, or updated on demand. */
async function publish(call: Call, generated: Generated, order: Order, plan: boolean) {
  const lists = { schemas: 'schema', actions: 'action', operations: 'operation' } as const;
  const places: string[] = [];
  const changes = Object.entries(lists).flatMap(([list, resource]) =>
    generated[list as keyof typeof lists].map((data, index): Change => {
      places.push(`/${list}/${index}`);
      return { resource, verb: order.update ? 'put' : 'create', data: published(data) };
    }),
  );
  try {
    return await call.runtime.publishing.commit({
      tenant: call.tenant,
      changes,
      actor: actorOf(call),
      message: order.message,
      plan,
    });
  } catch (thrown) {
    throw pointed(thrown, (pointer) =>
      pointer.replace(/^\/changes\/(\d+)\/data/, (whole, index: string) => places[Number(index)] ?? whole),
    );
  }
}

/** Fusio shows the path of a collection with a slash at its end, which no route has. */
function published(data: { name: string; httpPath?: string }): Record<string, unknown> {
  return data.httpPath === undefined ? { ...data } : { ...data, httpPath: data.httpPath.replace(/(?<=.)\/+$/, '') };
}

/** `{create, update, none}` by resource. */
function count(results: readonly { resource: string; verb: string }[]): Record<string, Record<string, number>> {
  const counts: Record<string, Record<string, number>> = {};
  for (const { resource, verb } of results) {
    const verbs = (counts[resource] ??= {});
    verbs[verb] = (verbs[verb] ?? 0) + 1;
  }
  return counts;
}

/** Moves the pointers of an error from one document into another. */
function pointed(thrown: unknown, move: (pointer: string) => string): unknown {
  if (!(thrown instanceof ApiError) || thrown.errors === undefined) {
    return thrown;
  }
  const errors = thrown.errors.map((error) => ({ ...error, pointer: move(error.pointer) }));
  return new ApiError(thrown.code, thrown.message, { errors, headers: thrown.headers, cause: thrown.cause });
}

function find(input: Input): Generator {
  const wanted = String(input.path.provider).replaceAll('\\', '.');
  const found = generators.find((generator) => generator.class === wanted || generator.name === wanted);
  if (found === undefined) {
    throw new ApiError('not_found', `Could not find provider: ${wanted.slice(0, 255)}`);
  }
  return found;
}
