import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalPath } from '../../worker/lib/path.ts';
import { encodedParameter, parseRoutePath } from '../../worker/lib/route-path.ts';
import { createRouter } from '../../worker/lib/router.ts';
import { importOpenApi, type OpenApiImport } from '../../worker/spec/import-openapi.ts';
import { githubDescription } from './github-description.ts';

const methods = ['get', 'post', 'put', 'patch', 'delete'];
let document: any;
let imported: OpenApiImport;

beforeAll(async () => {
  document = await githubDescription();
  imported = importOpenApi(document, { prefix: '/github', server: 'http://127.0.0.1:1/api', scopes: ['github'] });
}, 120_000);

describe("GitHub's description", () => {
  it('becomes as many operations as it describes, each with an action and unique names', () => {
    const described = Object.values<any>(document.paths).flatMap((item) => methods.filter((method) => method in item));
    expect(described).toHaveLength(1223);
    expect(imported.operations).toHaveLength(1223);
    for (const [things, pattern] of [
      [imported.operations, /^[a-zA-Z0-9_.]{3,64}$/],
      [imported.actions, /^[a-zA-Z0-9_-]{3,255}$/],
      [imported.schemas, /^[a-zA-Z0-9_-]{3,255}$/],
    ] as const) {
      const names = things.map((thing) => thing.name);
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((name) => !pattern.test(name))).toEqual([]);
    }
    const actions = new Set(imported.actions.map((action) => `action://${action.name}`));
    expect(imported.operations.filter((operation) => !actions.has(operation.action))).toEqual([]);
  });

  it('keeps every component schema and refers to no schema that it does not bring', () => {
    const names = new Set(imported.schemas.map((schema) => schema.name));
    expect(Object.keys(document.components.schemas).filter((name) => !names.has(`Github_${name}`))).toEqual([]);
    const referred = [...JSON.stringify([imported.schemas, imported.operations]).matchAll(/"schema:\/\/([^"]*)"/g)];
    expect(referred.length).toBeGreaterThan(3000);
    expect(referred.map((match) => match[1]!).filter((name) => name !== 'Passthru' && !names.has(name))).toEqual([]);
    const contracts = JSON.stringify(imported.schemas, (key, value) =>
      key === 'examples' && Array.isArray(value) ? [] : value,
    );
    const left = /"#\/components|"nullable":true|"exclusiveM\w+":(true|false)/.exec(contracts);
    expect(left?.[0]).toBeUndefined();
  });

  it('gives every JSON body a schema', () => {
    const bodies = Object.values<any>(document.paths).flatMap((item) =>
      methods.filter((method) => item[method]?.requestBody?.content?.['application/json'] !== undefined),
    );
    const contracts = imported.operations.filter((operation) => operation.incoming?.startsWith('schema://Github_'));
    expect(contracts).toHaveLength(bodies.length);
  });

  it('routes a URL of every operation to it, and to the upstream path that the description means', () => {
    const router = createRouter<string>();
    for (const operation of imported.operations) {
      expect(router.conflicts(operation.httpMethod, operation.httpPath)).toEqual([]);
      router.add(operation.httpMethod, operation.httpPath, operation.name);
    }
    const actions = new Map(imported.actions.map((action) => [action.name, String(action.config.url)]));
    const operations = imported.operations.values();
    const upstreams = new Set<string>();
    for (const [template, item] of Object.entries<any>(document.paths)) {
      for (const method of methods.filter((candidate) => candidate in item)) {
        const operation = operations.next().value!;
        const path = fill(document, template, item[method].parameters ?? []);
        const canonical = canonicalPath(path === '/' ? '/github' : `/github${path}`);
        expect(canonical.ok, path).toBe(true);
        const { text, segments } = (canonical as { path: { text: string; segments: string[] } }).path;
        expect(router.match(operation.httpMethod, segments)).toMatchObject({ found: true, value: operation.name });
        const route = parseRoutePath(operation.httpPath);
        const upstream = actions
          .get(operation.action.slice('action://'.length))!
          .replace(
            /:([A-Za-z]\w*)/g,
            (_, name) => (route.ok && encodedParameter(route.route, { text }, name)) || `:${name}`,
          );
        expect(upstream).toBe(`http://127.0.0.1:1/api${path}`);
        upstreams.add(`${method} ${upstream}`);
      }
    }
    expect(upstreams.size).toBe(1223);
  });

  it('is imported the same way every time', () => {
    const again = importOpenApi(document, { prefix: '/github', server: 'http://127.0.0.1:1/api', scopes: ['github'] });
    expect(JSON.stringify(again)).toBe(JSON.stringify(imported));
  });
});

/** A URL path from a template: a value of the declared type for each parameter, with characters that must be kept encoded. */
function fill(document: any, template: string, parameters: any[]): string {
  const declared = new Map<string, any>(
    parameters.map((entry) => {
      const parameter = entry.$ref === undefined ? entry : document.components.parameters[entry.$ref.split('/').pop()];
      return [parameter.name, parameter.schema];
    }),
  );
  return template.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const schema = declared.get(name) ?? {};
    return String(schema.type === 'integer' ? 42 : (schema.enum?.[0] ?? `${name}%20a%2Fb`));
  });
}
