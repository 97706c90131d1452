import { isObject } from '../json.ts';
import { SchemaError } from './problem.ts';

/** Per document: what an engine that compiles each schema in every isolate can bear. */
export const budget = { size: 256 * 1024, schemas: 5000, depth: 100, documents: 200 } as const;

/** Refuses what is too large or too deep (or circular) before anything recursive sees it. The size is about that of the JSON text. */
export function checkSize(schema: unknown): void {
  let size = 0;
  const open: [unknown, number][] = [[schema, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next;
    size += typeof value === 'string' ? value.length + 3 : 3;
    if (size > budget.size || depth > 4 * budget.depth) {
      const message = size > budget.size ? `is larger than ${budget.size / 1024} KB` : 'is nested too deep';
      throw new SchemaError([{ pointer: '', rule: 'budget', message }]);
    }
    if (Array.isArray(value)) {
      for (const item of value) {
        open.push([item, depth + 1]);
      }
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        size += key.length + 4;
        open.push([value[key], depth + 1]);
      }
    }
  }
}
