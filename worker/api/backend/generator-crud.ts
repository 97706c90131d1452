import { filterOperators } from '../../actions/sql/filter.ts';
import { invalidAt } from '../../core/errors.ts';
import type { ParameterRecord } from '../../core/records.ts';
import { type NamePrefix, operationName, readPrefix, resourceName } from '../../spec/import-openapi-names.ts';
import type { Generated, GeneratorSetup } from './generator.ts';

/** What the operations of one collection are made of; the names are without the prefix of the path. */
export interface CrudPlan {
  /** `/news/`: where the collection is; an entry is at `:id` below it. */
  path: string;
  /** `news.`, in front of `getAll`, `get`, `create`, `update` and `delete`. */
  operation: string;
  /** `News_SQL_`, in front of `GetAll`, `Get`, `Insert`, `Update` and `Delete`. */
  resource: string;
  words: { all: string; one: string; create: string; update: string; delete: string };
  createCode: number;
  /** What a page can be sorted and filtered by. */
  properties: string[];
  actions: Record<
    'GetAll' | 'Get' | 'Insert' | 'Update' | 'Delete',
    { class: string; config: Record<string, unknown> }
  >;
  collection: Record<string, unknown>;
  entity: Record<string, unknown>;
}

/** The prefix that the path of a run gives to names. Throws 400. */
export function prefixOf(setup: GeneratorSetup): NamePrefix {
  const prefix = readPrefix(setup.path);
  if (prefix === null) {
    const message = `The path "${setup.path}" must consist of plain segments: letters, digits, "-", "_", "." and "~"`;
    throw invalidAt('/body/path', message, 'path');
  }
  return prefix;
}

/** The schemas, actions and operations that make collections readable, searchable and writable. */
export function crudOf(plans: readonly CrudPlan[], setup: GeneratorSetup): Generated {
  const prefix = prefixOf(setup);
  const named = (plan: CrudPlan, verb: string) => resourceName(prefix, `${plan.resource}${verb}`);
  return {
    schemas: plans.flatMap((plan) => [
      { name: named(plan, 'GetAll'), source: plan.collection },
      { name: named(plan, 'Get'), source: plan.entity },
    ]),
    actions: plans.flatMap((plan) =>
      Object.entries(plan.actions).map(([verb, action]) => ({ name: named(plan, verb), ...action })),
    ),
    operations: plans.flatMap((plan) => operationsOf(plan, prefix, setup, (verb) => named(plan, verb))),
    warnings: [],
  };
}

function operationsOf(plan: CrudPlan, prefix: NamePrefix, setup: GeneratorSetup, named: (verb: string) => string) {
  const common = { active: true, public: setup.public, stability: 1, scopes: setup.scopes, throws: { 999: 'Message' } };
  const [all, one] = [`${prefix.path}${plan.path}`, `${prefix.path}${plan.path}:id`];
  const operation = (
    name: string,
    description: string,
    httpMethod: string,
    httpPath: string,
    verb: string,
    rest: { httpCode?: number; incoming?: string; outgoing: string; parameters?: Record<string, ParameterRecord> },
  ) => ({
    ...common,
    ...{ description, httpMethod, httpPath, httpCode: 200, name: operationName(prefix, `${plan.operation}${name}`) },
    ...rest,
    action: named(verb),
  });
  return [
    operation('getAll', plan.words.all, 'GET', all, 'GetAll', {
      outgoing: named('GetAll'),
      parameters: pageParameters(plan.properties),
    }),
    operation('get', plan.words.one, 'GET', one, 'Get', { outgoing: named('Get') }),
    operation('create', plan.words.create, 'POST', all, 'Insert', {
      ...{ httpCode: plan.createCode, incoming: named('Get'), outgoing: 'Message' },
    }),
    operation('update', plan.words.update, 'PUT', one, 'Update', { incoming: named('Get'), outgoing: 'Message' }),
    operation('delete', plan.words.delete, 'DELETE', one, 'Delete', { outgoing: 'Message' }),
  ];
}

function pageParameters(properties: string[]): Record<string, ParameterRecord> {
  const text = (description: string, values?: string[]): ParameterRecord => ({
    type: 'string',
    description,
    ...(values === undefined ? {} : { enum: values }),
  });
  return {
    startIndex: { type: 'integer', minimum: 0, description: 'First entry, from 0' },
    count: { type: 'integer', minimum: 1, description: 'Entries of a page' },
    sortBy: text('Property that entries are sorted by', properties),
    sortOrder: text('Direction of the order', ['ASC', 'DESC', 'asc', 'desc']),
    filterBy: text('Property that entries are filtered by', properties),
    filterOp: text('How the property is compared', filterOperators),
    filterValue: text('Value that the property is compared with'),
  };
}

/** A page of entries of a schema, as TypeSchema. */
export function collectionSchema(struct: string, alias: string, schema: string, entity: string) {
  return {
    import: { [alias]: `schema://${schema}` },
    definitions: {
      [struct]: {
        type: 'struct',
        properties: {
          totalResults: { type: 'integer' },
          itemsPerPage: { type: 'integer' },
          startIndex: { type: 'integer' },
          entry: { type: 'array', schema: { type: 'reference', target: `${alias}:${entity}` } },
        },
      },
    },
    root: struct,
  };
}
