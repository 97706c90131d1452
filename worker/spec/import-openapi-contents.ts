import { isObject } from '../lib/json.ts';
import { at, type Description, type Json, lookup } from './import-openapi-document.ts';
import type { Direction, SchemaImport } from './import-openapi-schemas.ts';

/** The one media type of a body that becomes its contract. */
export interface Content {
  mediaType: string;
  json: boolean;
  /** As the HTTP actions call the kind of a body. */
  encoding: 'json' | 'form' | 'multipart' | 'xml' | 'text' | 'octet-stream';
  /** JSON Pointer of the schema; null when there is none. */
  schema: string | null;
  /** The media types that were not chosen. */
  others: string[];
}

/** Chooses from the `content` of a body: JSON first, then what ends in `+json`, then the first one; null when there is no content. */
export function chooseContent(description: Description, pointer: string): Content | null {
  const place = at(pointer, 'content');
  const content = lookup(description.root, place);
  const mediaTypes = isObject(content) ? Object.keys(content) : [];
  const chosen =
    mediaTypes.find((mediaType) => essence(mediaType) === 'application/json') ??
    mediaTypes.find((mediaType) => isJson(mediaType)) ??
    mediaTypes[0];
  if (chosen === undefined) {
    return null;
  }
  const schema = at(place, chosen, 'schema');
  return {
    mediaType: essence(chosen),
    json: isJson(chosen),
    encoding: isJson(chosen) || mediaTypes.length === 1 ? encodingOf(chosen) : 'octet-stream',
    schema: lookup(description.root, schema) === undefined ? null : schema,
    others: mediaTypes.map(essence).filter((mediaType) => !isJson(mediaType)),
  };
}

/**
 * The schema reference of a body: a named schema for JSON; `mime://` and the media type for what else there is, or the
 * type that takes all of them when there are several.
 */
export function bodyReference(schemas: SchemaImport, content: Content, direction: Direction, id: string): string {
  if (!content.json) {
    return `mime://${content.others.length > 1 ? 'application/octet-stream' : content.mediaType}`;
  }
  return (content.schema === null ? null : schemas.reference(content.schema, direction, id)) ?? 'schema://Passthru';
}

/** The status of success and its key in `responses`: 200 before others, then the lowest; the first of a range for `2XX`. */
export function successCode(responses: Json): { status: number; key: string | null } {
  const keys = Object.keys(responses)
    .filter((key) => /^2(\d\d|XX)$/i.test(key))
    .sort();
  const key = keys.find((candidate) => candidate === '200') ?? keys[0];
  if (key !== undefined) {
    return { status: Number(key.replace(/XX/i, '00')), key };
  }
  return {
    status: 200,
    key: 'default' in responses && !Object.keys(responses).some((code) => /^3/.test(code)) ? 'default' : null,
  };
}

/** A key of `responses` as Fusio numbers failures: `4XX` → 499, `5XX` → 599, `default` beside others → 999; null for no failure. */
export function errorCode(key: string): string | null {
  if (/^[45]\d\d$/.test(key)) {
    return key;
  }
  return /^[45]XX$/i.test(key) ? `${key[0]}99` : key === 'default' ? '999' : null;
}

function essence(mediaType: string): string {
  return mediaType.split(';')[0]!.trim().toLowerCase();
}

function isJson(mediaType: string): boolean {
  return /^(application\/json|[^/]+\/[^/]+\+json|\*\/\*|application\/\*|text\/json)$/.test(essence(mediaType));
}

function encodingOf(mediaType: string): Content['encoding'] {
  const type = essence(mediaType);
  if (isJson(mediaType)) {
    return 'json';
  }
  if (type === 'application/x-www-form-urlencoded') {
    return 'form';
  }
  if (type.startsWith('multipart/')) {
    return 'multipart';
  }
  if (/[/+]xml$/.test(type)) {
    return 'xml';
  }
  return type.startsWith('text/') ? 'text' : 'octet-stream';
}
