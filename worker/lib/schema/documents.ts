import { isObject } from '../json.ts';
import { budget, checkSize } from './budget.ts';
import { type Dialect, dialectOf, dialects, holdingOf } from './dialect.ts';
import { metaschemas } from './metaschema.ts';
import { escapePointer, SchemaError, type Violation } from './problem.ts';
import { schemaName } from './references.ts';

/** A schema document or the part of one that an `$id` makes a resource of its own (JSON Schema 2020-12 §4.3.5). */
export interface Resource {
  /** Absolute URI without a fragment; documents without one have a made-up one. */
  base: string;
  root: unknown;
  /** Where the root is in its document. */
  pointer: string;
  dialect: Dialect;
  /** Whether the validation vocabulary is in force (a metaschema can leave it out). */
  validates: boolean;
  /** Whether `format` refuses or only annotates. */
  assertsFormat: boolean;
  anchors: Map<string, Place>;
  dynamicAnchors: Map<string, Place>;
  /** 2019-09: `$recursiveAnchor` is set. */
  recursive: boolean;
}

/** A schema, where it is and what it belongs to. */
export interface Place {
  schema: unknown;
  resource: Resource;
  /** JSON Pointer from the root of its document. */
  pointer: string;
}

/** Root keyword that switches `format` from annotation to assertion for the document, whatever the caller's default. */
export const assertFormatKeyword = 'x-assert-format';

export interface DocumentOptions {
  assertFormat?: boolean;
  /** The dialect of documents that name none in `$schema` (default 2020-12). */
  dialect?: keyof typeof dialects;
  /** The document of `schema://Name`. */
  resolve?(name: string): unknown;
  /** Takes every `schema://Name` for a schema that accepts anything, so that a schema can be tried without the others. */
  ignoreNamed?: boolean;
  /** Documents that are at hand for other absolute URIs. Nothing is ever fetched. */
  documents?(uri: string): unknown;
}

/** The documents of one compilation: found, indexed, and their references resolved. */
export class Documents {
  /** True when a dynamic reference was seen, so that evaluation keeps the dynamic scope. */
  dynamic = false;
  readonly #options: DocumentOptions;
  readonly #resources = new Map<string, Resource>();
  readonly #roots = new Map<object, Resource>();
  readonly #indexed = new Set<object>();
  readonly #anonymous = 'schema-root:/';
  #documents = 0;

  constructor(options: DocumentOptions) {
    this.#options = options;
  }

  /** Indexes the document that is to be compiled. Throws SchemaError. */
  root(schema: unknown): Place {
    return this.#open(schema, this.#anonymous);
  }

  /** The resource of a schema that was reached from one of `parent`. */
  resourceOf(schema: unknown, parent: Resource): Resource {
    return (isObject(schema) && this.#roots.get(schema)) || parent;
  }

  /** The schema that a reference means. Throws SchemaError with a violation at `from`. */
  resolve(reference: string, from: Place): Place {
    if (this.#options.ignoreNamed === true && schemaName(reference) !== undefined) {
      return { schema: true, resource: from.resource, pointer: from.pointer };
    }
    const hash = reference.indexOf('#');
    const fragment = hash < 0 ? '' : reference.slice(hash + 1);
    const resource = this.#find(hash < 0 ? reference : reference.slice(0, hash), reference, from);
    let decoded: string;
    try {
      decoded = decodeURIComponent(fragment);
    } catch {
      throw refused(from, `the reference ${reference} is not well-formed`);
    }
    if (decoded === '') {
      return { schema: resource.root, resource, pointer: resource.pointer };
    }
    const place = decoded.startsWith('/') ? this.#follow(decoded, resource) : resource.anchors.get(decoded);
    if (place === undefined) {
      throw refused(from, `the reference ${reference} leads to nothing`);
    }
    if (isObject(place.schema) && !this.#indexed.has(place.schema)) {
      // A pointer may lead to where no keyword says that schemas are.
      this.#index(place.schema, place.resource, place.pointer, { schemas: 0 });
    }
    return place;
  }

  #find(uri: string, reference: string, from: Place): Resource {
    if (uri === '') {
      return from.resource;
    }
    const name = schemaName(uri);
    if (name !== undefined) {
      const key = `schema://${name}`;
      return this.#known(key) ?? this.#load(this.#options.resolve?.(name), key, from, `there is no schema ${name}`);
    }
    const absolute = URL.parse(uri, from.resource.base)?.href.replace(/#.*$/s, '');
    if (absolute === undefined) {
      throw refused(from, `the reference ${reference} is not well-formed`);
    }
    const document = this.#known(absolute);
    if (document !== undefined) {
      return document;
    }
    const found = Object.hasOwn(metaschemas, absolute) ? metaschemas[absolute] : this.#options.documents?.(absolute);
    return this.#load(
      found,
      absolute,
      from,
      `the reference ${reference} leads outside: only schema://Name can be named`,
    );
  }

  #known(uri: string): Resource | undefined {
    return this.#resources.get(uri);
  }

  #load(schema: unknown, uri: string, from: Place, otherwise: string): Resource {
    if (schema === undefined) {
      throw refused(from, otherwise);
    }
    if (++this.#documents > budget.documents) {
      throw refused(from, `there are more than ${budget.documents} referenced schemas`, 'budget');
    }
    return this.#open(schema, uri).resource;
  }

  #open(schema: unknown, uri: string): Place {
    checkSize(schema);
    const dialect = dialects[this.#options.dialect ?? '2020-12'];
    const assertsFormat = this.#options.assertFormat ?? false;
    const parent: Resource = { ...emptyResource, base: uri, dialect, assertsFormat };
    const resource = this.#resource(schema, parent, '');
    // Under the URI that it was asked for, and (in #resource) under the one it gives itself.
    this.#resources.set(uri, resource);
    if (isObject(schema)) {
      this.#index(schema, resource, '', { schemas: 0 });
    }
    return { schema, resource, pointer: '' };
  }

  #resource(root: unknown, parent: Resource, pointer: string): Resource {
    const resource: Resource = {
      ...parent,
      root,
      pointer,
      anchors: new Map(),
      dynamicAnchors: new Map(),
      recursive: false,
    };
    if (!isObject(root)) {
      return resource;
    }
    this.#chooseDialect(root, resource);
    const id = root[resource.dialect.idKeyword];
    if (typeof id === 'string' && !id.startsWith('#') && !(resource.dialect.lonelyRef && Object.hasOwn(root, '$ref'))) {
      const absolute = URL.parse(id, parent.base)?.href.replace(/#.*$/s, '');
      if (absolute === undefined) {
        throw new SchemaError([{ pointer: `${pointer}/$id`, rule: '$id', message: 'is not a URI reference' }]);
      }
      resource.base = absolute;
      this.#resources.set(absolute, resource);
    }
    resource.recursive = resource.dialect.has('$recursiveAnchor') && root.$recursiveAnchor === true;
    this.#roots.set(root, resource);
    return resource;
  }

  #chooseDialect(root: Record<string, unknown>, resource: Resource): void {
    const uri = root.$schema;
    if (typeof uri === 'string') {
      const builtIn = dialectOf(uri);
      if (builtIn !== undefined) {
        resource.dialect = builtIn;
      } else {
        this.#customDialect(uri, resource);
      }
    }
    if (typeof root[assertFormatKeyword] === 'boolean') {
      resource.assertsFormat = root[assertFormatKeyword];
    }
  }

  /** A metaschema of somebody's own, named as in references: its `$vocabulary` says what is in force. */
  #customDialect(reference: string, resource: Resource): void {
    const uri = reference.replace(/#$/, '');
    const name = schemaName(uri);
    if (name !== undefined && this.#options.ignoreNamed === true) {
      return;
    }
    const metaschema = name === undefined ? this.#options.documents?.(uri) : this.#options.resolve?.(name);
    if (!isObject(metaschema) || typeof metaschema.$schema !== 'string') {
      const message = `the dialect ${uri} is not supported; known are draft 4, 6, 7, 2019-09 and 2020-12`;
      throw new SchemaError([{ pointer: `${resource.pointer}/$schema`, rule: '$schema', message }]);
    }
    resource.dialect = dialectOf(metaschema.$schema) ?? resource.dialect;
    const vocabulary = metaschema.$vocabulary;
    if (isObject(vocabulary)) {
      const names = Object.keys(vocabulary).map((name) => name.slice(name.lastIndexOf('/') + 1));
      resource.validates = names.includes('validation');
      resource.assertsFormat ||= names.includes('format-assertion');
    }
  }

  /** Walks all places that hold schemas, registering resources and anchors. */
  #index(
    schema: Record<string, unknown>,
    resource: Resource,
    pointer: string,
    seen: { schemas: number },
    depth = 0,
  ): void {
    this.#indexed.add(schema);
    if (++seen.schemas > budget.schemas || depth > budget.depth) {
      const message =
        depth > budget.depth
          ? `is nested deeper than ${budget.depth} schemas`
          : `has more than ${budget.schemas} schemas`;
      throw new SchemaError([{ pointer: '', rule: 'budget', message }]);
    }
    const { dialect } = resource;
    this.#anchors(schema, resource, pointer);
    for (const keyword of Object.keys(schema)) {
      const holding = holdingOf(keyword, dialect);
      if (holding === undefined) {
        if (keyword === '$dynamicRef' || keyword === '$recursiveRef') {
          this.dynamic = true;
        }
        continue;
      }
      const held = schema[keyword];
      const at = `${pointer}/${escapePointer(keyword)}`;
      const visit = (child: unknown, place: string): void => {
        if (isObject(child)) {
          this.#index(child, this.#enter(child, resource, place), place, seen, depth + 1);
        }
      };
      if (Array.isArray(held)) {
        if (holding === 'list' || holding === 'one-or-list') {
          held.forEach((child, index) => {
            visit(child, `${at}/${index}`);
          });
        }
      } else if (holding === 'map' || holding === 'map-or-names') {
        for (const [name, child] of Object.entries(isObject(held) ? held : {})) {
          visit(child, `${at}/${escapePointer(name)}`);
        }
      } else if (holding !== 'list') {
        visit(held, at);
      }
    }
  }

  /** A schema below `parent` opens a resource of its own when it has an id that is more than a fragment. */
  #enter(schema: Record<string, unknown>, parent: Resource, pointer: string): Resource {
    const { dialect } = parent;
    const id = schema[dialect.idKeyword] ?? schema.$id;
    const hidden = dialect.lonelyRef && Object.hasOwn(schema, '$ref');
    if (typeof id !== 'string' || id.startsWith('#') || hidden) {
      return parent;
    }
    return this.#roots.get(schema) ?? this.#resource(schema, parent, pointer);
  }

  #anchors(schema: Record<string, unknown>, resource: Resource, pointer: string): void {
    const { dialect } = resource;
    const place: Place = { schema, resource, pointer };
    const id = schema[dialect.idKeyword];
    if (dialect.lonelyRef) {
      if (typeof id === 'string' && id.includes('#') && !Object.hasOwn(schema, '$ref')) {
        resource.anchors.set(id.slice(id.indexOf('#') + 1), place);
      }
      return;
    }
    if (typeof schema.$anchor === 'string') {
      resource.anchors.set(schema.$anchor, place);
    }
    if (typeof schema.$dynamicAnchor === 'string' && dialect.has('$dynamicAnchor')) {
      resource.anchors.set(schema.$dynamicAnchor, place);
      resource.dynamicAnchors.set(schema.$dynamicAnchor, place);
    }
  }

  /** Follows a JSON Pointer from the root of a resource, entering the resources on the way. */
  #follow(pointer: string, from: Resource): Place | undefined {
    let schema = from.root;
    let resource = from;
    for (const step of pointer.slice(1).split('/')) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(schema) ? !/^(?:0|[1-9]\d*)$/.test(key) : !isObject(schema)) {
        return undefined;
      }
      if (!Object.hasOwn(schema as object, key)) {
        return undefined;
      }
      schema = (schema as Record<string, unknown>)[key];
      resource = this.resourceOf(schema, resource);
    }
    return { schema, resource, pointer: from.pointer + pointer };
  }
}

const emptyResource: Resource = {
  base: '',
  root: undefined,
  pointer: '',
  dialect: dialects['2020-12'],
  validates: true,
  assertsFormat: false,
  anchors: new Map(),
  dynamicAnchors: new Map(),
  recursive: false,
};

function refused(from: Place, message: string, rule = '$ref'): SchemaError {
  const violation: Violation = { pointer: rule === '$ref' ? `${from.pointer}/$ref` : from.pointer, rule, message };
  return new SchemaError([violation]);
}
