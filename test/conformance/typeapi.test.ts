import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { createCatalog, systemOperations } from '../../worker/api/index.ts';
import { laterOperations } from '../../worker/api/later.ts';
import { categories } from '../../worker/core/system-operation.ts';
import { describeManagement } from '../../worker/spec/management/describe.ts';
import { typeApiOf } from '../../worker/spec/spec-typeapi.ts';
import { named } from './typeapi-differences.ts';

// fusio-typeapi.jsonl: the operations and models of a standard Fusio 8, as its own TypeAPI document says them, one a line and
// without the descriptions.

type Members = Record<string, any>;

let ours: { operations: Members; definitions: Members };
const theirs: { operations: Members; definitions: Members } = { operations: {}, definitions: {} };

beforeAll(() => {
  for (const line of readFileSync(join(import.meta.dirname, 'fusio-typeapi.jsonl'), 'utf8')
    .trim()
    .split('\n')) {
    const { operation, model, definition, ...rest } = JSON.parse(line);
    if (operation !== undefined) {
      theirs.operations[operation] = rest;
    } else {
      theirs.definitions[model] = definition;
    }
  }
  // As `/system/generator/spec-typeapi?filter=fusio` answers it, which openapi.test.ts asks for.
  const operations = createCatalog().operations.filter(({ category_id }) => category_id !== categories.default);
  const description = { baseUrl: 'http://localhost', info: { title: '', description: '', version: '1' } };
  const document = typeApiOf({ ...description, ...describeManagement(operations), scopes: {}, grants: [] });
  ours = JSON.parse(JSON.stringify(document));
});

it('says of the management API what Fusio says of it, named differences aside', () => {
  const found = [
    ...compare('operation', ours.operations, theirs.operations, compareOperations),
    ...compare('model', ours.definitions, theirs.definitions, compareModels),
  ];
  const rules = Object.values(named)
    .flat()
    .map((text) => ({ text, pattern: new RegExp(`^${text.replaceAll('.', '\\.').replaceAll('*', '\\S*')}$`) }));
  expect(found.filter((text) => !rules.some(({ pattern }) => pattern.test(text)))).toEqual([]);
  // A difference that is no more is to be taken away.
  const lacking = rules.filter(({ text }) => !text.endsWith(' is ours'));
  expect(lacking.filter(({ pattern }) => !found.some((text) => pattern.test(text))).map(({ text }) => text)).toEqual(
    [],
  );
});

it('declares no operation for later that is built', () => {
  const later = new Set(laterOperations.map(({ name }) => name));
  const built = systemOperations.filter((operation) => !laterOperations.includes(operation));
  expect(built.filter(({ name }) => later.has(name)).map(({ name }) => name)).toEqual([]);
});

it('refers to nothing that it does not define', () => {
  const targets = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) {
      const { type, target } = value as Members;
      if (type === 'reference') {
        targets.add(target);
      }
      Object.values(value).forEach(visit);
    }
  };
  visit([ours.operations, ours.definitions]);
  expect(targets.size).toBeGreaterThan(250);
  expect([...targets].filter((target) => ours.definitions[target] === undefined)).toEqual([]);
});

function compare(what: string, left: Members, right: Members, inside: (name: string, a: any, b: any) => string[]) {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name) => {
    if (left[name] === undefined || right[name] === undefined) {
      return [`${what} ${name} is ${right[name] === undefined ? 'ours' : 'missing'}`];
    }
    return inside(name, left[name], right[name]);
  });
}

function compareOperations(name: string, a: Members, b: Members): string[] {
  const { arguments: left, description: _, ...rest } = a;
  const { arguments: right, ...others } = b;
  return [...compareMembers(name, rest, others), ...compareMembers(name, left, right)];
}

function compareModels(name: string, a: Members, b: Members): string[] {
  const { properties: left = {}, ...rest } = a;
  const { properties: right = {}, ...others } = b;
  return [...compareMembers(name, rest, others), ...compareMembers(name, left, right)];
}

function compareMembers(name: string, left: Members, right: Members): string[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((member) => {
    const [a, b] = [bare(left[member]), bare(right[member])];
    if (isDeepStrictEqual(a, b) || (member === 'description' && b === undefined)) {
      return [];
    }
    return [`${name}.${member} ${a === undefined ? 'is missing' : b === undefined ? 'is ours' : 'differs'}`];
  });
}

/** Without descriptions. */
function bare(value: any): any {
  if (Array.isArray(value)) {
    return value.map(bare);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const entries = Object.entries(value).filter(([key, text]) => key !== 'description' || typeof text !== 'string');
  return Object.fromEntries(entries.map(([key, member]) => [key, bare(member)]));
}
