import { ApiError, type Violation } from '../core/errors.ts';
import { isObject } from '../lib/json.ts';
import { fromSwagger2 } from './import-openapi-swagger2.ts';

export type Json = Record<string, unknown>;

/** A description that is being imported, Swagger 2.0 already in the shape of OpenAPI 3.0. */
export interface Description {
  dialect: '3.0' | '3.1';
  root: Json;
  /** Notes something that the import leaves out or reads leniently. */
  warn(pointer: string, message: string): void;
  /** Notes what makes the import impossible; all of it is told in one answer. */
  refuse(pointer: string, rule: string, message: string): void;
  warnings: string[];
  problems: Violation[];
}

/** Opens a parsed description; throws ApiError `invalid_request` when it is none of Swagger 2.0, OpenAPI 3.0, 3.1 or 3.2. */
export function openDescription(document: unknown): Description {
  if (!isObject(document)) {
    throw new ApiError('invalid_request', 'The description must be an object, as OpenAPI 3.x and Swagger 2.0 have it');
  }
  const version = String(document.openapi ?? document.swagger ?? '');
  const swagger = document.openapi === undefined && /^2(\.0)?$/.test(version);
  if (!swagger && !/^3\.[012](\.|$)/.test(version)) {
    const told = version === '' ? 'it names no version' : `its version is "${version.slice(0, 20)}"`;
    throw new ApiError('invalid_request', `Only OpenAPI 3.0 to 3.2 and Swagger 2.0 can be imported; ${told}`, {
      errors: [{ pointer: '/openapi', rule: 'version', message: 'Expected openapi: 3.x or swagger: "2.0"' }],
    });
  }
  const warnings: string[] = [];
  const problems: Violation[] = [];
  const place = (pointer: string) => (swagger ? swaggerPointer(pointer) : pointer);
  return {
    dialect: swagger || version.startsWith('3.0') ? '3.0' : '3.1',
    root: swagger ? fromSwagger2(document) : document,
    warnings,
    problems,
    warn: (pointer, message) => warnings.push(`${place(pointer)}: ${message}`),
    refuse: (pointer, rule, message) => problems.push({ pointer: place(pointer), rule, message }),
  };
}

/** An object that may be a `$ref` to another, with the JSON Pointer of where it is really written; null after a refusal. */
export function follow(description: Description, pointer: string): { node: Json; pointer: string } | null {
  let here = pointer;
  for (let hops = 0; hops < 32; hops++) {
    const node = lookup(description.root, here);
    if (!isObject(node)) {
      description.refuse(pointer, 'reference', `${here} is not an object of the description`);
      return null;
    }
    if (typeof node.$ref !== 'string') {
      return { node, pointer: here };
    }
    const target = referenceTarget(node.$ref);
    if (target === null) {
      description.refuse(here, 'reference', outsideReference(node.$ref));
      return null;
    }
    here = target;
  }
  description.refuse(pointer, 'reference', 'The reference leads in a circle');
  return null;
}

/** The JSON Pointer in `#/a/b`; null for a reference into another document or to an anchor. */
export function referenceTarget(reference: string): string | null {
  if (reference === '#') {
    return '';
  }
  if (!reference.startsWith('#/')) {
    return null;
  }
  try {
    return decodeURIComponent(reference.slice(1));
  } catch {
    return reference.slice(1);
  }
}

export function outsideReference(reference: string): string {
  return `"${reference}" points outside the document: join the files into one before the import (for example with "redocly bundle")`;
}

/** The value at a JSON Pointer (RFC 6901); undefined when there is none. */
export function lookup(root: unknown, pointer: string): unknown {
  let value = root;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      return undefined;
    }
    value = (value as Json)[key];
  }
  return value;
}

/** The object at a JSON Pointer; an empty one when there is none. */
export function objectAt(description: Description, pointer: string): Json {
  const value = lookup(description.root, pointer);
  return isObject(value) ? value : {};
}

/** `pointer` with `keys` appended, escaped as RFC 6901 §3 asks. */
export function at(pointer: string, ...keys: (string | number)[]): string {
  return pointer + keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Problems are told where the author of a Swagger 2.0 file finds them. */
function swaggerPointer(pointer: string): string {
  return pointer
    .replace(/^\/components\/schemas\//, '/definitions/')
    .replace(/^\/components\/(parameters|responses)\//, '/$1/')
    .replace(/\/requestBody\/.*$/, '/parameters')
    .replace(/(\/responses\/[^/]+)\/content\/[^/]+\/schema/, '$1/schema')
    .replace(/(\/parameters\/[^/]+)\/schema(?=\/|$)/, '$1');
}
