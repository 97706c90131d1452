import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { Failure, type Place } from '../failure.ts';
import { locateJson, placeOf } from './place.ts';
import { fillVariables, findVariable, holdsVariables, isVariable, markVariables, typedValue } from './variables.ts';

/** A deploy file with everything it includes. */
export interface LoadedFile {
  value: unknown;
  /** Where the value at a JSON Pointer is written; for what is written nowhere, what is around it. */
  place(pointer: string): Place;
}

export interface LoadOptions {
  /** Where variables come from; null: `${env.NAME}` is text like any other. */
  env: NodeJS.ProcessEnv | null;
  /** What the file holds, where it is not to be read: the standard input. */
  text?: string;
  /** Stands in for a variable that is not set, at the JSON Pointer; without it, or with undefined, that is an error. */
  unset?(name: string, pointer: string): string | undefined;
}

/** `FILE`, or the `.fusio.yml` of a folder. */
export function findDeployFile(path: string): string {
  if (!existsSync(path)) {
    throw new Failure('usage', `${path} does not exist`);
  }
  if (!statSync(path).isDirectory()) {
    return path;
  }
  const found = ['.fusio.yml', '.fusio.yaml'].map((name) => join(path, name)).find((file) => existsSync(file));
  if (found === undefined) {
    throw new Failure('usage', `${path} holds no .fusio.yml`);
  }
  return found;
}

/**
 * Reads a YAML (or JSON) file: `!include other.yaml#/json/pointer` anywhere, relative to the file that says it, and
 * `${env.NAME}` in any text. Throws Failure that names all broken places of the first file that has any.
 */
export function loadFile(path: string, options: LoadOptions): LoadedFile {
  const loading: Loading = { options, sources: new Map(), places: new Map(), complaints: [] };
  const value = include(loading, resolve(path), '', '', []);
  if (loading.complaints.length > 0) {
    throw new Failure('usage', `${showFile(path)} cannot be used`, { complaints: loading.complaints });
  }
  return { value, place: (pointer) => findPlace(loading, pointer) };
}

interface Source {
  /** As messages show it. */
  file: string;
  path: string;
  text: string;
  /** Parsed YAML; null for a `.json` file, which is parsed at once and searched only when a place is asked for. */
  document: Document.Parsed | null;
  lines: LineCounter;
  json: unknown;
}

interface Loading {
  options: LoadOptions;
  sources: Map<string, Source>;
  /** What is written where, by pointer in the whole. */
  places: Map<string, { source: Source; offset: number } | { source: Source; json: string }>;
  complaints: { message: string; rule: string; place: Place }[];
}

/** The value at `fragment` of a file; `trail` are the includes that led here. */
function include(loading: Loading, path: string, fragment: string, pointer: string, trail: string[]): unknown {
  const here = `${path}#${fragment}`;
  if (trail.includes(here) || trail.length > 32) {
    throw new Failure('usage', `The includes lead in a circle: ${[...trail, here].map(showFile).join(' → ')}`);
  }
  const source = open(loading, path);
  if (source.document === null) {
    loading.places.set(pointer, { source, json: fragment });
    const value = walk(source.json, fragment, source);
    return holdsVariables(source.text) ? fill(loading, source, value, pointer, fragment) : value;
  }
  let node = source.document.contents as Node | null;
  for (const key of keysOf(fragment)) {
    const next =
      isMap(node) || isSeq(node) ? (node.get(isSeq(node) ? Number(key) : key, true) as Node | undefined) : undefined;
    if (next === undefined) {
      throw missing(source, fragment);
    }
    node = next;
  }
  return convert(loading, source, node, pointer, [...trail, here]);
}

function convert(loading: Loading, source: Source, given: Node | null, pointer: string, trail: string[]): unknown {
  const node = isAlias(given) ? (given.resolve(source.document!) ?? null) : given;
  if (!loading.places.has(pointer)) {
    loading.places.set(pointer, { source, offset: given?.range?.[0] ?? 0 });
  }
  if (isScalar(node)) {
    return node.tag === '!include'
      ? followInclude(loading, source, node, pointer, trail)
      : scalar(loading, source, node, pointer);
  }
  if (isSeq(node)) {
    return node.items.map((item, index) => convert(loading, source, item as Node, `${pointer}/${index}`, trail));
  }
  if (!isMap(node)) {
    return null;
  }
  const members = new Map<string, unknown>();
  const merged = new Map<string, unknown>();
  for (const pair of node.items) {
    const keyNode = pair.key as Node;
    const key = String(isScalar(keyNode) ? text(loading, source, String(keyNode.value), keyNode, pointer) : keyNode);
    const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (key === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
      const base = convert(loading, source, pair.value as Node | null, at, trail);
      for (const part of Array.isArray(base) ? base : [base]) {
        for (const [name, value] of Object.entries((part ?? {}) as object)) {
          merged.set(name, merged.get(name) ?? value);
        }
      }
      continue;
    }
    loading.places.set(at, { source, offset: keyNode.range?.[0] ?? 0 });
    members.set(key, convert(loading, source, pair.value as Node | null, at, trail));
  }
  return Object.fromEntries([...merged, ...members]);
}

function scalar(loading: Loading, source: Source, node: import('yaml').Scalar, pointer: string): unknown {
  if (typeof node.value !== 'string') {
    return node.value ?? null;
  }
  const filled = text(loading, source, node.value, node, pointer);
  return node.type === 'PLAIN' && isVariable(node.value) ? typedValue(filled) : filled;
}

function followInclude(
  loading: Loading,
  source: Source,
  node: import('yaml').Scalar,
  pointer: string,
  trail: string[],
): unknown {
  const wanted = text(loading, source, String(node.value), node, pointer);
  const [file = '', fragment = ''] = wanted.split('#');
  const path = resolve(dirname(source.path), file);
  if (!existsSync(path) || statSync(path).isDirectory()) {
    complain(loading, source, node, 'include', `The included file ${showFile(path)} does not exist`);
    return null;
  }
  if (fragment !== '' && !fragment.startsWith('/')) {
    complain(loading, source, node, 'include', `"#${fragment}" is no JSON Pointer, which starts with "/"`);
    return null;
  }
  if (/\.php$/i.test(path)) {
    complain(loading, source, node, 'include', 'A PHP file cannot be included; write its operations as YAML');
    return null;
  }
  return include(loading, path, fragment, pointer, trail);
}

function text(loading: Loading, source: Source, value: string, node: Node, pointer: string): string {
  return fillVariables(value, (name) => {
    const found = findVariable(loading.options.env ?? {}, name) ?? loading.options.unset?.(name, pointer);
    if (found === undefined) {
      complain(loading, source, node, 'env', `The environment variable ${name} is not set`);
    }
    return found ?? '';
  });
}

/** Fills the variables of a JSON file. */
function fill(loading: Loading, source: Source, value: unknown, pointer: string, inner: string): unknown {
  if (typeof value === 'string') {
    return fillVariables(value, (name) => {
      const found = findVariable(loading.options.env ?? {}, name) ?? loading.options.unset?.(name, pointer);
      if (found === undefined) {
        const place = placeOf(source.file, source.text, locateJson(source.text, inner));
        loading.complaints.push({ message: `The environment variable ${name} is not set`, rule: 'env', place });
      }
      return found ?? '';
    });
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const step = (key: string | number) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return Array.isArray(value)
    ? value.map((item, index) => fill(loading, source, item, pointer + step(index), inner + step(index)))
    : Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          key,
          fill(loading, source, item, pointer + step(key), inner + step(key)),
        ]),
      );
}

function open(loading: Loading, path: string): Source {
  let source = loading.sources.get(path);
  if (source === undefined) {
    const { env, text } = loading.options;
    source = parse(path, (loading.sources.size === 0 ? text : undefined) ?? readFileSync(path, 'utf8'), env !== null);
    loading.sources.set(path, source);
  }
  return source;
}

function parse(path: string, written: string, variables: boolean): Source {
  const file = showFile(path);
  const text = variables ? markVariables(written) : written;
  const lines = new LineCounter();
  if (/\.json$/i.test(path)) {
    try {
      return { file, path, text, document: null, lines, json: JSON.parse(text) };
    } catch {
      // The YAML parser, which reads JSON too, says where it is broken.
    }
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    customTags: [{ tag: '!include', resolve: (name: string) => name }],
  });
  if (document.errors.length > 0) {
    const complaints = document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      return {
        message: error.message.replace(/[\uE000-\uE003]/g, '$'),
        rule: 'syntax',
        place: { file, line, column: col },
      };
    });
    throw new Failure('usage', `${file} is not valid YAML`, { complaints });
  }
  return { file, path, text, document, lines, json: undefined };
}

function findPlace(loading: Loading, pointer: string): Place {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const found = loading.places.get(at);
    if (found !== undefined) {
      const { source } = found;
      if ('json' in found) {
        return placeOf(source.file, source.text, locateJson(source.text, found.json + pointer.slice(at.length)));
      }
      const { line, col } = source.lines.linePos(found.offset);
      return { file: source.file, line, column: col };
    }
    if (at === '') {
      return { file: '' };
    }
  }
}

function complain(loading: Loading, source: Source, node: Node, rule: string, message: string): void {
  const { line, col } = source.lines.linePos(node.range?.[0] ?? 0);
  loading.complaints.push({ message, rule, place: { file: source.file, line, column: col } });
}

function walk(value: unknown, fragment: string, source: Source): unknown {
  let here = value;
  for (const key of keysOf(fragment)) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) {
      throw missing(source, fragment);
    }
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

function missing(source: Source, fragment: string): Failure {
  return new Failure('usage', `${source.file} has nothing at ${fragment}`);
}

function keysOf(fragment: string): string[] {
  return fragment
    .split('/')
    .slice(1)
    .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'));
}

function showFile(path: string): string {
  const [file = '', fragment = ''] = path.split('#');
  const near = relative(process.cwd(), file);
  return (near.startsWith('..') ? file : near) + (fragment === '' ? '' : `#${fragment}`);
}
