import { existsSync, readFileSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { registry } from '../entity/registry.ts';
import { isObject, type Json, type Note } from './source.ts';

/** The classes that the gateway has, by their dotted names. */
export interface KnownClasses {
  action: readonly string[];
  connection: readonly string[];
}

const placeholder = 'Fusio.Adapter.Php.Action.PhpProcessor';
const overHttp = 'serve it over HTTP where it runs today and use Fusio.Adapter.Http.Action.HttpProcessor with its URL';

/** What takes the place of classes that cannot run at the edge, by a part of their names. */
const replacements: [pattern: RegExp, advice: string][] = [
  [/\.(WorkerPHPLocal|PhpSandbox|PhpProcessor|WorkerPHP)$/, `PHP does not run at the edge: ${overHttp}`],
  [/\.(CliProcessor|FcgiProcessor)$/, `there is no machine to run programs on: ${overHttp}`],
  [/\.Worker(Java|Javascript|Python)$/, `code of workers does not run here: ${overHttp}`],
  [
    /\.File\./,
    `there are no local files: put the text into Fusio.Adapter.Util.Action.UtilStaticResponse, or ${overHttp}`,
  ],
  [
    /\.Sql\.Connection\./,
    'other databases are not reached yet: move the tables to the connection System, or serve them over HTTP',
  ],
];

/**
 * The actions of an import: those of the configuration with their classes in our spelling, and those that operations of Fusio 1.x name
 * by a file, a class or an address. What cannot run becomes a placeholder that keeps the contract and answers 503.
 */
export class ActionBook {
  readonly entries: Record<string, Json> = {};
  private readonly folder: string | null;
  private readonly known: KnownClasses;
  private readonly notes: Note[];

  constructor(folder: string | null, known: KnownClasses, notes: Note[]) {
    this.folder = folder;
    this.known = known;
    this.notes = notes;
  }

  /** Takes an action of the configuration over. */
  add(name: string, entry: Json): void {
    const written = String(entry.class ?? '');
    const { date, id, ...rest } = entry;
    this.entries[name] = { ...rest, ...this.translate('action', name, written, entry.config) };
  }

  /** Takes a connection over: its class, and whether it can be opened here. */
  connection(name: string, entry: Json): Json {
    return { ...entry, ...this.translate('connection', name, String(entry.class ?? ''), entry.config) };
  }

  /** What an operation says for its action, as a reference of ours. */
  reference(written: unknown): string | null {
    const text = typeof written === 'string' ? written.trim() : isObject(written) ? String(written.name ?? '') : '';
    const bare = text.replace(/^(?:action|php\+class|file):\/\//, '');
    if (text === '') {
      return null;
    }
    if (/^https?:\/\//.test(text)) {
      return text;
    }
    if (text.startsWith('action://') || Object.hasOwn(this.entries, bare)) {
      return `action://${bare}`;
    }
    if (/\$\{dir\.|[/]|\.(php|js|json|txt|html?|xml)$/.test(bare) && !bare.includes('\\')) {
      return this.file(bare);
    }
    return /[\\.]/.test(bare) || text.startsWith('php+class://') ? this.class(bare) : `action://${bare}`;
  }

  private file(written: string): string {
    const local = written.replace(/^\$\{dir\.[a-z]+\}\/?/, '');
    const name = nameOf(local.replace(/\.[a-z]+$/, ''));
    if (Object.hasOwn(this.entries, name)) {
      return `action://${name}`;
    }
    const text = this.readFile(written);
    const type = types[extname(local)];
    if (text !== null && type !== undefined) {
      this.entries[name] = {
        class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
        config: { response: text, headers: { 'Content-Type': type } },
      };
      this.note('translated', `action ${name}`, `the file ${local} is a static response now`);
    } else if (extname(local) === '.js') {
      this.entries[name] = { class: 'Fusio.Adapter.Worker.Action.WorkerJavascript', config: { code: text ?? '' } };
      this.note('replace', `action ${name}`, `the script ${local} does not run here: ${overHttp}`);
    } else {
      this.entries[name] = { class: placeholder, config: { file: local } };
      this.note('replace', `action ${name}`, `the file ${local} does not run at the edge: ${overHttp}`);
    }
    return `action://${name}`;
  }

  private class(written: string): string {
    const dotted = written.replaceAll('\\', '.').replace(/^\./, '');
    const name = nameOf(dotted);
    this.entries[name] ??= { ...this.translate('action', name, dotted, undefined) };
    return `action://${name}`;
  }

  private translate(kind: keyof KnownClasses, name: string, written: string, config: unknown): Json {
    const dotted = written.replaceAll('\\', '.').replace(/^\./, '');
    const last = dotted.split('.').at(-1)!;
    const alike = this.known[kind].filter((candidate) => candidate.split('.').at(-1) === last);
    const found = this.known[kind].includes(dotted) ? dotted : alike.length === 1 ? alike[0]! : null;
    const about = `${kind} ${name}`;
    if (found === null) {
      const file = `class ${dotted}`;
      const keep = { metadata: { fusioClass: dotted, ...(isObject(config) ? { fusioConfig: config } : {}) } };
      if (kind === 'connection') {
        this.note('replace', about, `there is no class ${dotted}: choose another`);
        return { class: dotted, config };
      }
      this.note('replace', about, `the class ${dotted} is PHP of its own and does not run at the edge: ${overHttp}`);
      return { class: placeholder, config: { file }, ...keep };
    }
    if (found !== dotted) {
      this.note('translated', about, `the class ${dotted} is ${found} here`);
    }
    const missing = registry.classes[kind][found]?.missing;
    if (missing !== undefined) {
      const advice = replacements.find(([pattern]) => pattern.test(found))?.[1];
      this.note('replace', about, advice ?? `${missing} Until then it answers 503`);
    }
    return { class: found, config: isObject(config) ? config : {} };
  }

  /** A small text file beside the configuration; null when there is none, or it lies elsewhere. */
  private readFile(written: string): string | null {
    if (this.folder === null) {
      return null;
    }
    const [, directory, rest] = /^(?:\$\{dir\.([a-z]+)\}\/?)?(.*)$/.exec(written)!;
    const local = normalize(rest!);
    if (local.startsWith('..') || local.startsWith('/')) {
      return null;
    }
    const path = [join(this.folder, directory ?? '', local), join(this.folder, local)].find(existsSync);
    return path !== undefined && statSync(path).isFile() && statSync(path).size <= 100_000
      ? readFileSync(path, 'utf8')
      : null;
  }

  private note(kind: Note['kind'], about: string, message: string): void {
    this.notes.push({ kind, about, message });
  }
}

const types: Record<string, string> = {
  '.json': 'application/json',
  '.txt': 'text/plain',
  '.html': 'text/html',
  '.htm': 'text/html',
  '.xml': 'application/xml',
};

/** A name that an action or schema can have. */
export function nameOf(text: string): string {
  return text
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .padEnd(3, '_')
    .slice(0, 255);
}
