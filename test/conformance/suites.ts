import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// The public suites in suites/, as tests read them.

const folder = join(import.meta.dirname, 'suites');

/** A schema of the JSON-Schema-Test-Suite and what it makes of some instances. */
export interface SchemaGroup {
  description: string;
  schema: boolean | Record<string, unknown>;
  tests: { description: string; data: unknown; valid: boolean }[];
}

/** The required groups of a draft, by file. */
export function schemaGroups(draft: 'draft7' | 'draft2020-12'): [file: string, groups: SchemaGroup[]][] {
  const path = join(folder, 'json-schema', 'tests', draft);
  return readdirSync(path).map((file) => [file, JSON.parse(readFileSync(join(path, file), 'utf8'))]);
}

const remotes = join(folder, 'json-schema', 'remotes');

/** A document that the JSON-Schema-Test-Suite serves at `http://localhost:1234/…`; undefined for any other URI. */
export function remoteDocument(uri: string): unknown {
  const { host, pathname } = new URL(uri);
  const path = join(remotes, decodeURIComponent(pathname));
  return host === 'localhost:1234' && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** All those documents by their URI, of one draft and of none. */
export function remoteDocuments(draft: 'draft7' | 'draft2020-12'): [uri: string, document: Record<string, unknown>][] {
  return globSync('**/*.json', { cwd: remotes })
    .filter((path) => !path.startsWith('draft') || path.startsWith(`${draft}/`))
    .map((path) => [`http://localhost:1234/${path}`, JSON.parse(readFileSync(join(remotes, path), 'utf8'))]);
}

/** The files of JSONTestSuite: the first letter says whether a parser accepts (`y`), refuses (`n`) or may do either (`i`). */
export function parsingCases(): { name: string; expected: 'y' | 'n' | 'i'; bytes: Buffer<ArrayBuffer> }[] {
  const path = join(folder, 'json-parsing', 'test_parsing');
  return readdirSync(path).map((name) => ({
    name,
    expected: name[0] as 'y' | 'n' | 'i',
    bytes: Buffer.from(readFileSync(join(path, name))),
  }));
}
