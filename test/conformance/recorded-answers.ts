import { Validator } from '@cfworker/json-schema';

type Members = Record<string, any>;

/** An answer that a client got. */
interface Answer {
  method: string;
  path: string;
  status: number;
  text: string;
}

/** Keeps what passes through `fetch` until it is disposed of, so that a client needs no change. */
export function recordAnswers(): { answers: Answer[]; stop(): void } {
  const answers: Answer[] = [];
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const response = await real(input, init);
    const { pathname } = new URL(input instanceof Request ? input.url : String(input));
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    answers.push({ method, path: pathname, status: response.status, text: await response.clone().text() });
    return response;
  };
  return {
    answers,
    stop() {
      globalThis.fetch = real;
    },
  };
}

/**
 * Where answers of success are not what an OpenAPI document says, each once: `operation rule /place`, lists without their indexes.
 * Members that a model does not have count as well. `held` is how many operations were held against it.
 */
export function misfits(document: Members, answers: readonly Answer[]): { found: string[]; held: number } {
  const components = { schemas: closed(document.components.schemas) };
  const routes = routesOf(document);
  const found = new Set<string>();
  const held = new Set<string>();
  for (const { method, path, status, text } of answers) {
    const route = routes.find((candidate) => candidate.method === method && candidate.pattern.test(path));
    if (route === undefined || status >= 300) {
      continue;
    }
    const { operationId, responses } = route.operation;
    held.add(operationId);
    const schema = responses[status]?.content?.['application/json']?.schema;
    if (schema === undefined) {
      found.add(`${operationId} status ${status}`);
      continue;
    }
    const { errors } = new Validator({ ...schema, components }, '2020-12', false).validate(JSON.parse(text));
    for (const { keyword, instanceLocation } of errors) {
      if (['false', 'type', 'required', 'enum', 'const', 'format'].includes(keyword)) {
        const rule = keyword === 'false' ? 'unknown' : keyword;
        found.add(`${operationId} ${rule} ${instanceLocation.slice(1).replace(/\/\d+(?=\/|$)/g, '')}`);
      }
    }
  }
  return { found: [...found].sort(), held: held.size };
}

function routesOf({ paths }: Members) {
  const routes = Object.entries<Members>(paths).flatMap(([path, item]) =>
    Object.entries<Members>(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`),
      fixed: !path.includes('{'),
      operation,
    })),
  );
  return routes.sort((a, b) => Number(b.fixed) - Number(a.fixed));
}

/** Structs without further members, save those that are one of several kinds. */
function closed(schema: any): any {
  if (Array.isArray(schema)) {
    return schema.map(closed);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const members = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isStruct = schema.type === 'object' && typeof schema.properties === 'object';
  return isStruct && schema.allOf === undefined && schema.additionalProperties === undefined
    ? { ...members, additionalProperties: false }
    : members;
}
