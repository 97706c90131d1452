import { Type } from 'typebox';
import type { Call } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import { importOpenApi } from '../../spec/import-openapi.ts';
import { parseDescription } from '../../spec/import-openapi-text.ts';
import type { Generator } from './generator.ts';
import { readUpload } from './upload.ts';

/** Import-OpenAPI: operations that proxy to what an OpenAPI or Swagger description describes (names and paths: spec/import-openapi.ts). */
export const importOpenApiGenerator: Generator = {
  class: 'Fusio.Impl.Provider.Generator.OpenAPI',
  name: 'Import-OpenAPI',
  description: 'Operations with their contracts out of an OpenAPI 3.0 to 3.2 or Swagger 2.0 description',
  config: Type.Object({
    spec: Type.String({
      title: 'Specification',
      description: 'The description as JSON or YAML, or <code>upload:ID</code> for one that was uploaded in parts',
      mode: 'yaml',
      minLength: 1,
    }),
    server: Type.Optional(
      Type.String({
        title: 'Server',
        description: 'Base URL of the upstream, instead of those that the description names',
      }),
    ),
    connection: Type.Optional(
      Type.String({
        title: 'Connection',
        description: 'HTTP connection whose url, credentials and headers the actions use',
        connection: true,
      }),
    ),
  }),
  async generate(call, config, setup) {
    const { spec, server, connection } = config as { spec: string; server?: string; connection?: string };
    try {
      const document = await open(call, spec);
      return importOpenApi(document, {
        prefix: setup.path,
        scopes: setup.scopes,
        public: setup.public,
        server,
        connection,
      });
    } catch (thrown) {
      if (thrown instanceof ApiError) {
        const errors = thrown.errors?.map((error) => ({ ...error, pointer: `/spec${error.pointer}` }));
        throw new ApiError(thrown.code, thrown.message, { errors, cause: thrown.cause });
      }
      throw thrown;
    }
  },
};

function open(call: Call, spec: string): Promise<unknown> | unknown {
  const upload = /^upload:([A-Za-z0-9_-]+)$/.exec(spec.trim())?.[1];
  return upload === undefined
    ? parseDescription(spec)
    : readUpload(call.runtime.env, call.tenant, upload, call.runtime.now());
}
