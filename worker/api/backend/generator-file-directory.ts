import { Type } from 'typebox';
import { operationName, resourceName } from '../../spec/import-openapi-names.ts';
import type { Generator } from './generator.ts';
import { prefixOf } from './generator-crud.ts';

/** File-Directory: a directory becomes a list of files and the files. */
export const fileDirectoryGenerator: Generator = {
  class: 'Fusio.Adapter.File.Generator.FileDirectory',
  name: 'File-Directory',
  description: 'Operations to list the files of a directory and to read one',
  config: Type.Object({
    directory: Type.String({
      title: 'Directory',
      description: 'A path to a directory which you want expose',
      minLength: 1,
    }),
  }),
  async generate(_call, config, setup) {
    const prefix = prefixOf(setup);
    const { path } = prefix;
    const [all, one] = [resourceName(prefix, 'FileDirectory_GetAll'), resourceName(prefix, 'FileDirectory_Get')];
    const { directory } = config;
    const common = {
      active: true,
      public: setup.public,
      stability: 1,
      scopes: setup.scopes,
      httpMethod: 'GET',
      httpCode: 200,
    };
    const text = { type: 'string' };
    const integer = { type: 'integer' };
    return {
      schemas: [{ name: all, source: listSchema(all, text, integer) }],
      actions: [
        { name: all, class: 'Fusio.Adapter.File.Action.FileDirectoryGetAll', config: { directory } },
        { name: one, class: 'Fusio.Adapter.File.Action.FileDirectoryGet', config: { directory } },
      ],
      operations: [
        {
          ...common,
          ...{
            description: 'Returns a collection of files',
            httpPath: `${path}/`,
            name: operationName(prefix, 'getAll'),
          },
          parameters: {
            ...{ startIndex: integer, count: integer, sortBy: text, sortOrder: text },
            ...{ filterBy: text, filterOp: text, filterValue: text },
          },
          ...{ outgoing: all, action: all },
        },
        {
          ...common,
          ...{ description: 'Returns a single file', httpPath: `${path}/:id`, name: operationName(prefix, 'get') },
          ...{ outgoing: 'Passthru', action: one },
        },
      ],
      warnings: ['The operations answer 503 until their actions have a store of files to read from'],
    };
  },
};

function listSchema(name: string, text: object, integer: object) {
  const entry = `${name}_Entry`;
  return {
    definitions: {
      [name]: {
        type: 'object',
        properties: {
          ...{ totalResults: integer, itemsPerPage: integer, startIndex: integer },
          entry: { type: 'array', items: { $ref: entry } },
        },
      },
      [entry]: {
        type: 'object',
        properties: {
          ...{ id: text, fileName: text, size: integer, contentType: text, sha1: text },
          lastModified: { type: 'string', format: 'date-time' },
        },
      },
    },
    $ref: name,
  };
}
